# Two stages; the last one returns to root.
# ok: fixby.dockerfile.base-image-unversioned
FROM node:22.11-slim AS build
# ok: fixby.dockerfile.final-user-root
USER root
# ok: fixby.dockerfile.secret-in-env
ARG NPM_TOKEN
# ruleid: fixby.dockerfile.secret-in-env
ARG DEPLOY_TOKEN=ghx_5f2b81c07d
RUN npm ci

# ruleid: fixby.dockerfile.base-image-unversioned
FROM node:latest
# ruleid: fixby.dockerfile.secret-in-env
ENV NODE_ENV=production DB_PASSWORD=k3ttle-Brown
# ok: fixby.dockerfile.secret-in-env
ENV DB_PASSWORD_FILE=/run/secrets/db
# ok: fixby.dockerfile.secret-in-env
ENV DB_PASSWORD=$DB_PASSWORD
# ok: fixby.dockerfile.final-user-root
USER node
RUN id
# ruleid: fixby.dockerfile.final-user-root
USER root
# ruleid: fixby.dockerfile.expose-ssh
EXPOSE 22
# ruleid: fixby.dockerfile.expose-ssh
EXPOSE 80 22/tcp
# ok: fixby.dockerfile.expose-ssh
EXPOSE 8022
# ok: fixby.dockerfile.expose-ssh
EXPOSE 2222/tcp
CMD ["node", "server.js"]
