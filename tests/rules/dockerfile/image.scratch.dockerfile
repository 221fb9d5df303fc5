# silent: fixby.dockerfile.base-image-unversioned, fixby.dockerfile.no-user
FROM scratch
COPY rootfs /
