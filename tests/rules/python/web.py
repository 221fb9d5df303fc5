from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from flask import Flask
from flask_cors import CORS

app = Flask(__name__)
api = FastAPI()


def cookies(response, token):
    # ruleid: fixby.python.session-cookie-unprotected
    response.set_cookie("session_id", token)
    # ruleid: fixby.python.session-cookie-unprotected
    response.set_cookie(key="auth", value=token, secure=True)
    # ok: fixby.python.session-cookie-unprotected
    response.set_cookie("session_id", token, secure=True, httponly=True, samesite="Lax")
    # ok: fixby.python.session-cookie-unprotected
    response.set_cookie("session_id", token, httponly=True, max_age=60, secure=not app.debug)
    # ok: fixby.python.session-cookie-unprotected
    response.set_cookie("theme", "dark")
    # ok: fixby.python.session-cookie-unprotected
    response.set_cookie("csrftoken", token)


# ruleid: fixby.python.cookie-flag-disabled
SESSION_COOKIE_SECURE = False
# ruleid: fixby.python.cookie-flag-disabled
app.config["SESSION_COOKIE_HTTPONLY"] = False
# ok: fixby.python.cookie-flag-disabled
SESSION_COOKIE_HTTPONLY = True
# ok: fixby.python.cookie-flag-disabled
CSRF_COOKIE_HTTPONLY = False
# ok: fixby.python.cookie-flag-disabled
app.config["SESSION_COOKIE_PARTITIONED"] = False


# ruleid: fixby.python.debug-mode
app.run(host="127.0.0.1", debug=True)
# ruleid: fixby.python.debug-mode
app.debug = True
# ok: fixby.python.debug-mode
app.run(host="127.0.0.1")
# ok: fixby.python.debug-mode
app.debug = False


def other_runner(runner):
    # ok: fixby.python.debug-mode
    runner.run(debug=True)


# ruleid: fixby.python.cors-any-origin-with-credentials
CORS(app, origins="*", supports_credentials=True)
# ok: fixby.python.cors-any-origin-with-credentials
CORS(app, origins="*")
# ok: fixby.python.cors-any-origin-with-credentials
CORS(app, origins=["https://shop.example"], supports_credentials=True)
# ruleid: fixby.python.cors-any-origin-with-credentials
api.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"], allow_credentials=True)
# ok: fixby.python.cors-any-origin-with-credentials
api.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"])


# ruleid: fixby.python.csrf-protection-off
WTF_CSRF_ENABLED = False


@csrf_exempt
@login_required
# ruleid: fixby.python.csrf-protection-off
def change_email(request):
    return JsonResponse({})


@csrf_exempt
# ruleid: fixby.python.csrf-protection-off
def delete_account(request):
    if request.user.is_authenticated:
        request.user.delete()
    return JsonResponse({})


@csrf_exempt
# ok: fixby.python.csrf-protection-off
def payment_hook(request):
    verify_signature(request.body, request.headers["X-Signature"])
    return JsonResponse({})


@login_required
# ok: fixby.python.csrf-protection-off
def change_name(request):
    request.user.save()
    return JsonResponse({})
