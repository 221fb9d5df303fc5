# silent: fixby.dockerfile.no-user
FROM gcr.io/distroless/static-debian12:nonroot
COPY server /server
CMD ["/server"]
