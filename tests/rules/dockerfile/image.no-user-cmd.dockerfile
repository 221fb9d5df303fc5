# ruleid: fixby.dockerfile.no-user, fixby.dockerfile.base-image-unversioned
FROM python
COPY . /app
CMD python /app/main.py
