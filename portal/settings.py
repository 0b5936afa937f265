"""Collimate's settings, read top to bottom. What differs between places comes from the environment."""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF

from portal import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.read("COLLIMATE_VAR", str(BASE_DIR / "var")))

# --- What kind of place this is -----------------------------------------------------------------------------
DEBUG = env.read_bool("COLLIMATE_DEBUG")
DEMO = env.read_bool("COLLIMATE_DEMO")
SECRET_KEY = env.read("COLLIMATE_SECRET_KEY")
EMERGENCY = env.read_bool("COLLIMATE_EMERGENCY")  # read-only, with a sign-in path of its own
ORIGIN = env.read("COLLIMATE_ORIGIN", "http://127.0.0.1:8000")
OVER_TLS = ORIGIN.startswith("https://")
ALLOWED_HOSTS = [urlsplit(ORIGIN).hostname or "127.0.0.1", "127.0.0.1", "localhost"]
CSRF_TRUSTED_ORIGINS = [ORIGIN]

# --- Applications -------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "audit",
    "tenants",
    "tenants.baas",
    "imaging",
    "portal",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "tenants.middleware.SessionLimitsMiddleware",
    "tenants.middleware.ReadersMiddleware",
    "tenants.middleware.PrivateResponsesMiddleware",
    "portal.pages.DrawnRefusalsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tenants.emergency.EmergencyMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "imaging.views.failover.emergency_notice",
                "portal.words.reader",
            ],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "jinja"],
        "APP_DIRS": False,
        "OPTIONS": {"environment": "portal.jinja.environment"},
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Database: the app role neither owns the tables nor bypasses row-level security -------------------------
_database = environ.Env.db_url_config(env.read("DATABASE_URL"))
_owner = environ.Env.db_url_config(env.read("DATABASE_OWNER_URL", env.read("DATABASE_URL")))
_connection = {
    "ENGINE": "portal.database",
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": True,
}
# One transaction that hangs must not stop a practice: the trail's head is locked by whoever writes an event.
_limits = "-c lock_timeout=15s -c idle_in_transaction_session_timeout=60s"
DATABASES = {
    "default": {
        **_database,
        **_connection,
        "CONN_MAX_AGE": 60,
        "OPTIONS": {**_database.get("OPTIONS", {}), "options": _limits},
    },
    "owner": {**_owner, **_connection, "CONN_MAX_AGE": 0, "TEST": {"MIRROR": "default"}},
}
DATABASE_ROUTERS = ["tenants.routing.OwnerMigrates"]

# --- What several processes count together: the API's rate limits -------------------------------------------
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.read("REDIS_URL", "redis://127.0.0.1:6379/0"),
        "KEY_PREFIX": "collimate",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},  # seconds: a count is not worth waiting for
    }
}

# --- REST API: what it needs of the framework; guard, parsers and problems are imaging/views/api ---------------
API_RATES = {  # requests of one token in a minute
    "read": env.read_int("COLLIMATE_API_READS", 600),
    "write": env.read_int("COLLIMATE_API_WRITES", 60),
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],  # a view that forgets is shut
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Collimate",
    "VERSION": "1",
    "DESCRIPTION": (
        "Studies, shares, uploads, audit trail and agreements of one practice. A bearer token names the practice and "
        "acts for one of its members: its scopes and the member's role both apply. Images and header data come from "
        "DICOMweb, with the same token. What is wrong is told as problem details (RFC 9457) with a `code` that stays."
    ),
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "PurgeStatus": "imaging.models.PurgeStatus",
        "Scope": "imaging.models.AccessToken.Scope",
        "LinkState": "imaging.forms.api.LINK_STATES",
        "UploadState": "imaging.forms.api.UPLOAD_STATES",
        "AgreementState": "imaging.forms.api.AGREEMENT_STATES",
        "StepState": "imaging.forms.api_studies.STEPS",
        "EventOutcome": "audit.actions.Outcome",
        "FileOutcome": "imaging.models.Outcome",
    },
}

# --- Broker and background steps ----------------------------------------------------------------------------
REDIS_URL = env.read("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 1800
CELERY_TASK_SOFT_TIME_LIMIT = 1740
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 3,  # an upload asks for its steps before it is answered: no hanging with the broker
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
CELERY_BEAT_SCHEDULE = {
    "sweep-stuck-steps": {
        "task": "imaging.sweep_stuck",
        "schedule": env.read_int("COLLIMATE_SWEEP_SECONDS", 15),
        # A sweep that waited until the next is due is not needed any more: they must not pile up.
        "options": {"expires": env.read_int("COLLIMATE_SWEEP_SECONDS", 15)},
    },
    "scrub": {"task": "imaging.scrub_all", "schedule": crontab(minute=47)},  # hourly: scrub.RUNS_PER_DAY
    "watch": {"task": "imaging.watch_all", "schedule": 60, "options": {"expires": 60}},
    "rotate-due-keys": {"task": "imaging.rotate_due_keys", "schedule": crontab(hour=3, minute=20)},
    "expire-uploads": {"task": "imaging.expire_uploads", "schedule": crontab(minute=17)},
    "mark-ended-retention": {"task": "imaging.mark_ended_retention", "schedule": crontab(hour=2, minute=5)},
    "purge-approved": {"task": "imaging.purge_approved", "schedule": crontab(minute=35)},
    "deliver-webhooks": {"task": "imaging.deliver_webhooks", "schedule": 30, "options": {"expires": 30}},
    "remind-of-agreements": {"task": "baas.remind_of_agreements", "schedule": crontab(hour=6, minute=0)},
}

# --- Vaults and keys, per region ----------------------------------------------------------------------------
REGIONS = (1, 2)
VAULT_KEYS = {
    region: Path(env.read(f"COLLIMATE_KEYS_{region}", str(VAR_DIR / f"region{region}" / "keys"))) for region in REGIONS
}
# What wraps each region's keys: kind=file, or OpenBao or AWS KMS (infra/docs/keys.md).
VAULT_MASTERS = {
    region: dict(part.split("=", 1) for part in env.read(f"COLLIMATE_MASTER_{region}", "kind=file").split())
    for region in REGIONS
}


def _vault(region: int) -> dict[str, object]:
    """A bucket where one is named, a folder otherwise."""
    bucket = env.read(f"COLLIMATE_S3_BUCKET_{region}", "")
    if not bucket:
        location = env.read(f"COLLIMATE_VAULT_{region}", str(VAR_DIR / f"region{region}" / "vault"))
        return {"BACKEND": "imaging.adapters.storage.DirectoryStorage", "OPTIONS": {"location": location}}
    names = {
        "endpoint_url": "ENDPOINT", "region_name": "REGION", "access_key": "ACCESS_KEY", "secret_key": "SECRET_KEY",
    }  # fmt: skip
    # What is not given is None: boto asks its own chain.
    options = {option: env.read(f"COLLIMATE_S3_{name}_{region}", "") or None for option, name in names.items()}
    options |= {"bucket_name": bucket, "lock_days": env.read_int("COLLIMATE_S3_LOCK_DAYS", 0)}
    return {"BACKEND": "imaging.adapters.s3.S3Storage", "OPTIONS": options}


STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "portal.static_files.StaticFilesStorage"},
    **{f"vault-{region}": _vault(region) for region in REGIONS},
}
READ_DEADLINE_SECONDS = 5  # after which the other region is read
RETIRED_HOURS = 24  # how long the bytes of an object stay after another has taken its place

# --- The DICOM door: where devices send to by TLS, per region (infra/docs/dicom-tls.md) ---------------------------
DICOM_HOST = env.read("COLLIMATE_DICOM_HOST", "127.0.0.1")  # the name that practices enter in their devices
DICOM_BIND = env.read("COLLIMATE_DICOM_BIND", "127.0.0.1")
DICOM_PORTS = {region: env.read_int(f"COLLIMATE_DICOM_PORT_{region}", 2761 + region) for region in REGIONS}
DICOM_CERTIFICATES = {
    region: Path(env.read(f"COLLIMATE_DICOM_CERTIFICATE_{region}", str(VAR_DIR / "secrets" / f"dicom-{region}.crt")))
    for region in REGIONS
}
DICOM_KEYS = {
    region: Path(env.read(f"COLLIMATE_DICOM_KEY_{region}", str(VAR_DIR / "secrets" / f"dicom-{region}.key")))
    for region in REGIONS
}

# --- What is watched, and how often a restore is practised ----------------------------------------------------
SCRUB_DAYS = env.read_int("COLLIMATE_SCRUB_DAYS", 30)  # within which every copy is read whole
LAG_ALARM_SECONDS = 15 * 60
BRAKE_FLOOR = env.read_int("COLLIMATE_BRAKE_FLOOR", 500)  # changes in an hour that never trip the brake
DRILL_DAYS = env.read_int("COLLIMATE_DRILL_DAYS", 90)
DRILL_DATABASE_URL = env.read("COLLIMATE_DRILL_DATABASE_URL", "")  # none: a private server for the drill alone
DRILL_SIGNING_KEY = Path(env.read("COLLIMATE_DRILL_SIGNING_KEY", str(VAR_DIR / "secrets" / "drill-signing.p12")))
BACKUP_STATUS_FILE = Path(env.read("COLLIMATE_BACKUP_STATUS", str(VAR_DIR / "run" / "backup.json")))
METRICS_TOKEN = env.read("COLLIMATE_METRICS_TOKEN", "")
# Written by a restore: nothing is removed from the vaults until the index has been rebuilt from them.
RESTORED_FILE = VAR_DIR / "restored.json"
NODE_PORT_RANGE = (42000, 47000)

# --- People and sessions ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
PASSWORD_RESET_TIMEOUT = 60 * 60
OTP_TOTP_ISSUER = "Collimate"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "tenants/locked_out.html"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "password"]
AXES_VERBOSE = False
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "__Host-session" if OVER_TLS else "session"
SESSION_COOKIE_SECURE = OVER_TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_IDLE_SECONDS = 15 * 60
SESSION_ABSOLUTE_SECONDS = 12 * 60 * 60

# --- Browser-side walls -------------------------------------------------------------------------------------
CSRF_COOKIE_SECURE = OVER_TLS
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.views.csrf_failed"
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not `no-referrer`: under it browsers post forms with `Origin: null`, which the CSRF check refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = OVER_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if OVER_TLS else None
SECURE_HSTS_SECONDS = 63072000 if OVER_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = OVER_TLS
SECURE_HSTS_PRELOAD = OVER_TLS
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- Uploads: bodies are streamed by our own views, never spooled by Django ----------------------------------
UPLOAD_MAX_BYTES = env.read_int("COLLIMATE_UPLOAD_MAX_BYTES", 16 * 1024**3)
UPLOAD_EXPIRES_HOURS = 24
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# --- Static files, mail, words ------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [
    *((name, BASE_DIR / "static" / name) for name in ("css", "img", "ui")),
    BASE_DIR / "var" / "build",
    ("ohif", BASE_DIR / "var" / "ohif"),
]
# What vite names by its content never changes: a browser that has it need not ask again.
WHITENOISE_IMMUTABLE_FILE_TEST = r"/(viewer|upload)/assets/[\w.-]+-[\w-]{8}\.\w+$"
EMAIL_BACKEND = env.read("COLLIMATE_MAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = env.read("COLLIMATE_MAIL_DIR", str(VAR_DIR / "mail"))
EMAIL_HOST = env.read("COLLIMATE_SMTP_HOST", "localhost")
EMAIL_PORT = env.read_int("COLLIMATE_SMTP_PORT", 587)
EMAIL_HOST_USER = env.read("COLLIMATE_SMTP_USER", "")
EMAIL_HOST_PASSWORD = env.read("COLLIMATE_SMTP_PASSWORD", "")
EMAIL_USE_TLS = True
EMAIL_TIMEOUT = 10  # a mail server that hangs must not hold a page
DEFAULT_FROM_EMAIL = env.read("COLLIMATE_MAIL_FROM", "Collimate <no-reply@collimate.example>")
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = OVER_TLS
LANGUAGE_COOKIE_HTTPONLY = True
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]  # infra/setup compiles what lies there; infra/texts gathers it
FORMAT_MODULE_PATH = "portal.formats"
TIME_ZONE = "UTC"  # of what is stored; pages are shown on the practice's or the person's own clock
USE_TZ = True

# --- Logs: no PHI, no tokens: paths of share links and studies are cut by the formatter ----------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"()": "portal.logs.RedactingFormatter", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {name: {"level": "WARNING"} for name in ("axes", "django.server", "celery", "kombu")},
}
