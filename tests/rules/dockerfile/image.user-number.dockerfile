FROM debian:12
# ruleid: fixby.dockerfile.final-user-root
USER 0:0
CMD ["/server"]
