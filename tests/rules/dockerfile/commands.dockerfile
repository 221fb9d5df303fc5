FROM debian:12

# --- scripts of the network ---
# ruleid: fixby.dockerfile.remote-script-to-shell
RUN curl -fsSL https://get.example/install.sh | sh
# ruleid: fixby.dockerfile.remote-script-to-shell
RUN wget -qO- https://get.example/install.sh | sudo -E bash -
# ruleid: fixby.dockerfile.remote-script-to-shell
RUN bash -c "$(curl -fsSL https://get.example/install.sh)"
# ok: fixby.dockerfile.remote-script-to-shell
RUN curl -fsSL https://get.example/tool.tar.gz | tar -xz -C /opt
# ok: fixby.dockerfile.remote-script-to-shell
RUN curl -fsSLO https://get.example/install.sh && echo "$SUM  install.sh" | sha256sum -c && sh install.sh

# ruleid: fixby.dockerfile.add-remote-file
ADD https://get.example/tool.tar.gz /opt/
# ruleid: fixby.dockerfile.add-remote-file
ADD http://get.example/tool /usr/local/bin/tool
# ok: fixby.dockerfile.add-remote-file
ADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://get.example/tool /opt/
# ok: fixby.dockerfile.add-remote-file
ADD rootfs.tar.gz /

# --- packages ---
# ruleid: fixby.dockerfile.package-signature-off
RUN apt-get install -y --allow-unauthenticated tool
# ruleid: fixby.dockerfile.package-signature-off
RUN echo "deb [arch=amd64 trusted=yes] https://deb.example stable main" > /etc/apt/sources.list.d/x.list
# ruleid: fixby.dockerfile.package-signature-off
RUN yum install -y --nogpgcheck tool
# ok: fixby.dockerfile.package-signature-off
RUN echo "deb [signed-by=/etc/apt/keyrings/x.gpg] https://deb.example stable main" > /etc/apt/sources.list.d/x.list
# ok: fixby.dockerfile.package-signature-off
RUN apt-get update && apt-get install -y --no-install-recommends tool

# --- TLS ---
# ruleid: fixby.dockerfile.tls-verify-disabled
RUN curl -fsSLk https://get.example/tool -o /opt/tool
# ruleid: fixby.dockerfile.tls-verify-disabled
RUN wget --no-check-certificate https://get.example/tool
# ruleid: fixby.dockerfile.tls-verify-disabled
RUN npm config set strict-ssl false
# ruleid: fixby.dockerfile.tls-verify-disabled
ENV NODE_TLS_REJECT_UNAUTHORIZED=0
# ok: fixby.dockerfile.tls-verify-disabled
RUN curl -fsSL --cacert /etc/ssl/own.pem https://get.example/tool -o /opt/tool
# ok: fixby.dockerfile.tls-verify-disabled
RUN curl -fsSL https://get.example/disk-k -o /opt/disk

# --- rights ---
# ruleid: fixby.dockerfile.world-writable
RUN chmod -R 777 /srv
# ruleid: fixby.dockerfile.world-writable
RUN mkdir /data && chmod a+rwx /data
# ok: fixby.dockerfile.world-writable
RUN chmod 755 /srv/run.sh
# ok: fixby.dockerfile.world-writable
RUN chmod 1777 /tmp
# ruleid: fixby.dockerfile.sudo-without-password
RUN echo "app ALL=(ALL) NOPASSWD: ALL" >> /etc/sudoers
# ruleid: fixby.dockerfile.sudo-without-password
RUN echo "%wheel ALL=(ALL) NOPASSWD:ALL" > /etc/sudoers.d/wheel
# ok: fixby.dockerfile.sudo-without-password
RUN echo "app ALL=(root) /usr/bin/systemctl" > /etc/sudoers.d/app
# ok: fixby.dockerfile.sudo-without-password
RUN usermod -aG adm app
