# A settings module of Django.
# ruleid: fixby.python.debug-mode
DEBUG = True
ROOT_URLCONF = "shop.urls"
CORS_ALLOW_ALL_ORIGINS = True
# ruleid: fixby.python.cors-any-origin-with-credentials
CORS_ALLOW_CREDENTIALS = True
