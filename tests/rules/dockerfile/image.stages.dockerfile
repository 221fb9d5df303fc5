# silent: fixby.dockerfile.base-image-unversioned, fixby.dockerfile.no-user
ARG BASE=debian:12
FROM ${BASE} AS base
USER app

FROM base
CMD ["/server"]
