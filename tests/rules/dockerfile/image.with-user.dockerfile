# silent: fixby.dockerfile.no-user, fixby.dockerfile.base-image-unversioned, fixby.dockerfile.final-user-root
FROM python:3.13-slim@sha256:0f3b1a6a3c2b7bd8d0a1f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6
RUN useradd app
USER app
CMD ["python", "main.py"]
