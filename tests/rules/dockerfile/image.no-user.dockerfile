FROM golang:1.23 AS build
RUN go build -o /server .

# ruleid: fixby.dockerfile.no-user
FROM debian:12-slim
COPY --from=build /server /server
ENTRYPOINT ["/server"]
