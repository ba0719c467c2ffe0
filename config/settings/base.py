"""Settings every process shares. Each variable read here is described in .env.example."""

from pathlib import Path
from typing import Any

import environ
import structlog

from config.log_masking import mask_paths
from config.storage import exports_storage, recordings_storage

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

VERSION = "0.1.0"
DEBUG = False
SECRET_KEY = env.str("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Where this process keeps files (model weights, recordings, usage spool) unless told otherwise.
STATE_DIR = Path(env.str("HUB_STATE", default=str(BASE_DIR / "var")))

# Keyed hash of credentials; changing it invalidates every key.
CREDENTIAL_HASH_KEY = env.str("CREDENTIAL_HASH_KEY")
# 32 bytes, URL-safe base64: seals webhook secrets and headers, and recordings, at rest.
FIELD_ENCRYPTION_KEY = env.str("FIELD_ENCRYPTION_KEY")

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    # config/urls.py discovers the admins: workers and the command line load none
    "django.contrib.admin.apps.SimpleAdminConfig",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_structlog",
    "oauth2_provider",
    "config.apps.HubConfig",
    "partners",
    "credentials",
    "oauth",
    "webhooks",
    "jobs",
    "partner_requests",
    "ledger",
    "catalog",
    "leads",
    "invoices",
    "bookings",
    "rentals",
    "rewards",
    "storefronts",
    "pipeline",
]

# --- The two ways of a request -----------------------------------------------
# Paths under API_PREFIXES are answered inside the first middleware, past the page stack below it.
API_PREFIXES = ("/api/", "/v1/", "/partner/", "/postbacks/")
# ... and these as they stand; behind a slash this one is an app's page in the Django admin.
API_PATHS = frozenset({"/admin/partners"})
# Where people and partners reach the hub, without a slash at the end.
HUB_URL = env.str("HUB_URL", default="http://127.0.0.1:8000").rstrip("/")
# Each white-label site has a name below this one, and domains of its own; neither stands in ALLOWED_HOSTS.
SITES_DOMAIN = env.str("SITES_DOMAIN", default="").lower().strip(".")
PARTNER_API_ENABLED = env.bool("PARTNER_API_ENABLED", default=True)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
MIDDLEWARE = [
    "credentials.middleware.GovernedRequestMiddleware",
    "storefronts.site.middleware.SiteHostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "partners.middleware.SecondFactorMiddleware",
    "partners.middleware.OperatorContextMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.pages.shell",
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Stores --------------------------------------------------------------------
# The application role: neither owner nor superuser (config/tenancy.py refuses anything else).
DATABASES: dict[str, dict[str, Any]] = {"default": env.db_url("DATABASE_URL")}
if env.str("DATABASE_OWNER_URL", default=""):
    DATABASES["owner"] = env.db_url("DATABASE_OWNER_URL")
    DATABASES["owner"]["TEST"] = {"MIRROR": "default"}
DATABASE_ROUTERS = ["config.routers.ApplicationRole"]
TENANCY_GUARD = True
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=16)
# While the database is gone a request is refused after `timeout`. A pool asks again after 1, 2 and 2 s and
# then begins anew; by default its waits double up to minutes.
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 1,
    "max_size": DATABASE_POOL_SIZE,
    "timeout": 3,
    "reconnect_timeout": 5,
}
# Whoever dies in mid-transaction gives its locks back: at once when the server can see it (also while it
# waits for a lock), within half a minute when its host is gone or it stands still.
DATABASES["default"]["OPTIONS"]["options"] = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "client_connection_check_interval": "1s",
        "idle_in_transaction_session_timeout": "30s",
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "30s",
    }.items()
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "config.cache.ForgetfulRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}

# --- Background ----------------------------------------------------------------
# Celery spells a unix socket differently from redis-py.
CELERY_BROKER_URL = (
    REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
    if REDIS_URL.startswith("unix://")
    else REDIS_URL
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"jobs.run_analysis": {"queue": "analysis"}}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# Celery would end the whole pool of connections around each task; config/celery.py gives them back instead.
CELERY_DB_REUSE_MAX = 1_000_000_000
CELERY_BEAT_SCHEDULER = "config.scheduler:OneOfManyScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
# What the database is given once; from then on people change it in the admin.
CELERY_BEAT_SCHEDULE = {
    "jobs.sweep": {"task": "jobs.sweep", "schedule": 5.0},
    "bookings.expire_holds": {"task": "bookings.expire_holds", "schedule": 10.0},
    "ledger.checkpoint": {"task": "ledger.checkpoint", "schedule": 60.0},
    "rewards.reconcile": {"task": "rewards.reconcile", "schedule": 3600.0},
    "rewards.attribute_late": {"task": "rewards.attribute_late", "schedule": 60.0},
    "rewards.send_payouts": {"task": "rewards.send_payouts", "schedule": 30.0},
    "rentals.sweep": {"task": "rentals.sweep", "schedule": 30.0},
    "rewards.clean_up_clicks": {"task": "rewards.clean_up_clicks", "schedule": 3600.0},
    "pipeline.sweep": {"task": "pipeline.sweep", "schedule": 15.0},
    "pipeline.remove_exports": {"task": "pipeline.remove_exports", "schedule": 600.0},
    "jobs.expire_recordings": {"task": "jobs.expire_recordings", "schedule": 3600.0},
    "jobs.sweep_recordings": {"task": "jobs.sweep_recordings", "schedule": 86_400.0},
    "partner_requests.sweep": {"task": "partner_requests.sweep", "schedule": 60.0},
    "catalog.sync_due": {"task": "catalog.sync_due", "schedule": 60.0},
    "webhooks.sweep": {"task": "webhooks.sweep", "schedule": 5.0},
    "webhooks.retry_failed": {"task": "webhooks.retry_failed", "schedule": 3600.0},
    "webhooks.tell_disabled": {"task": "webhooks.tell_disabled", "schedule": 300.0},
    "webhooks.clean_up": {"task": "webhooks.clean_up", "schedule": 3600.0},
    "credentials.prepare_partitions": {
        "task": "credentials.prepare_partitions",
        "schedule": 3600.0,
    },
    "credentials.clean_up": {"task": "credentials.clean_up", "schedule": 3600.0},
    "oauth.clean_up": {"task": "oauth.clean_up", "schedule": 3600.0},
}
# A message lost by the broker costs nothing: rows are swept. So nobody waits long for a broker: who sends
# tries once and gives up on silence, and a worker drops a connection that has been silent for 20 s.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "max_retries": 0,
    "health_check_interval": 10,
}

# --- Sign-in -------------------------------------------------------------------
AUTH_USER_MODEL = "partners.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard-home"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "partners.sign_in.InvitedOnlyAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/300s/key"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_TOTP_ISSUER = "Partner Hub"
# Super-admins must hold a second factor before they see a page.
SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", default=True)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600

# --- OAuth 2.1 (docs/oauth.md) ---------------------------------------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth.Application"
OAUTH2_PROVIDER_GRANT_MODEL = "oauth.Grant"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth.AccessToken"  # noqa: S105 (a model)
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth.RefreshToken"  # noqa: S105 (a model)
OAUTH2_PROVIDER: dict[str, Any] = {
    "OAUTH2_SERVER_CLASS": "oauth.server.Server",
    "OAUTH2_VALIDATOR_CLASS": "oauth.validator.Validator",
    "SCOPES_BACKEND_CLASS": "oauth.scopes.ClientScopes",
    "ACCESS_TOKEN_GENERATOR": "oauth.server.access_token_generate",
    "REFRESH_TOKEN_GENERATOR": "oauth.server.refresh_token_generate",
    # the issuer of RFC 8414 and RFC 9207
    "OIDC_ISS_ENDPOINT": HUB_URL,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ACCESS_TOKEN_EXPIRE_SECONDS": env.int("OAUTH_ACCESS_TOKEN_S", default=3600),
    "REFRESH_TOKEN_EXPIRE_SECONDS": env.int("OAUTH_REFRESH_TOKEN_S", default=30 * 86_400),
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "PKCE_REQUIRED": True,
    "OAUTH_PRE_TOKEN_VALIDATION": [],
    # http is for loopback addresses only, which partners/addresses.py sees to
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http"],
    "OAUTH2_RESPONSE_TYPES_SUPPORTED": ["code"],
    "OAUTH2_GRANT_TYPES_SUPPORTED": ["authorization_code", "client_credentials", "refresh_token"],
    "OAUTH2_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED": ["client_secret_basic", "client_secret_post", "none"],
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}

# --- API -----------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["credentials.authentication.CredentialAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["credentials.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["config.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.api.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "config.api.schema.ScopedAutoSchema",
    "EXCEPTION_HANDLER": "config.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Partner Hub API",
    "DESCRIPTION": "Leads, bookings, call analysis, offers and webhooks for business partners.",
    "VERSION": "v1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/partner/v1|/api/v1|/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.api.schema.plain_numbers",
        "config.api.schema.describe_errors",
    ],
    "ENUM_NAME_OVERRIDES": {
        "EnvironmentEnum": "config.tenancy.Environment",
        "RequestStatusEnum": "partner_requests.models.PartnerRequest.Status",
        "LeadStatusEnum": "leads.models.Lead.Status",
        "BookingStatusEnum": "bookings.models.Booking.Status",
        "RentalStatusEnum": "rentals.models.Order.Status",
        "RewardStatusEnum": "rewards.models.Reward.Status",
        "PayoutStatusEnum": "rewards.models.PayoutItem.Status",
        "InvoiceStatusEnum": "invoices.models.Invoice.Status",
        "InvoiceKindEnum": "invoices.models.Invoice.Kind",
        "OfferStatusEnum": "catalog.models.Offer.Status",
        "OfferStateFilterEnum": "catalog.serializers.STATES",
        "CommissionTypeEnum": "catalog.models.Offer.CommissionType",
        "AssignmentStatusEnum": "pipeline.models.Assignment.Status",
        "QuoteStatusEnum": "pipeline.models.Quote.Status",
        "ProposalStatusEnum": "pipeline.models.Proposal.Status",
        "PolicyStatusEnum": "pipeline.models.Policy.Status",
        "JobStatusEnum": "jobs.models.Job.Status",
        "CampaignStatusEnum": "rewards.models.Campaign.Status",
        "LinkStatusEnum": "rewards.models.SmartLink.Status",
        "CredentialStatusEnum": "credentials.models.ApiKey.Status",
        "SigningModeEnum": "credentials.models.ApiKey.SigningMode",
        "ScopeEnum": "credentials.scopes.Scope",
        "WebhookStatusEnum": "webhooks.models.Subscription.Status",
        "DeliveryStatusEnum": "webhooks.models.Delivery.Status",
        "ReplayStatusEnum": "webhooks.models.Replay.Status",
        "TierEnum": "partners.models.Tier",
        "TierNameEnum": "credentials.serializers.clients.TIER_NAMES",
        "ClientStatusEnum": "partners.models.ApiClient.Status",
        "ClientKeyStatusEnum": "credentials.serializers.clients.KEY_STATES",
    },
}
# Strict JSON: what a partner may send (docs/architecture.md, Input).
API_MAX_BODY_BYTES = 1_000_000
# A recording of 60 MB is 80 MB of base64.
API_MAX_AUDIO_BODY_BYTES = 84_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = API_MAX_AUDIO_BODY_BYTES

# How often the web processes of a machine ship their request log rows to PostgreSQL, in seconds.
USAGE_SHIP_EVERY_S = env.float("USAGE_SHIP_EVERY_S", default=3.0)
# How long usage by the quarter of an hour, hour and day is kept; it outlives the log's rows.
USAGE_QUARTER_HOURLY_RETENTION_DAYS = env.int("USAGE_QUARTER_HOURLY_RETENTION_DAYS", default=35)
USAGE_HOURLY_RETENTION_DAYS = env.int("USAGE_HOURLY_RETENTION_DAYS", default=90)
USAGE_DAILY_RETENTION_DAYS = env.int("USAGE_DAILY_RETENTION_DAYS", default=730)
# How long single clicks are kept: a conversion that names an older one finds nothing.
CLICK_RETENTION_DAYS = env.int("CLICK_RETENTION_DAYS", default=180)

# --- Call analysis ---------------------------------------------------------------
ANALYSIS_MODEL_DIR = env.str("ANALYSIS_MODEL_DIR", default="")
ANALYSIS_THREADS = env.int("ANALYSIS_THREADS", default=1)
# An OpenAI-compatible endpoint (…/v1) that transcribes instead of the embedded weights.
ANALYSIS_ENDPOINT_URL = env.str("ANALYSIS_ENDPOINT_URL", default="")
ANALYSIS_ENDPOINT_KEY = env.str("ANALYSIS_ENDPOINT_KEY", default="")
ANALYSIS_ENDPOINT_MODEL = env.str("ANALYSIS_ENDPOINT_MODEL", default="whisper-1")
# How many calls of one organization are analysed at a time, in however many workers.
ANALYSIS_PER_ORGANIZATION = env.int("ANALYSIS_PER_ORGANIZATION", default=2)
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "recordings": recordings_storage(env, STATE_DIR),
    "exports": exports_storage(env, STATE_DIR),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# How long recordings are kept where the organization says nothing else.
RECORDING_RETENTION_DAYS = env.int("RECORDING_RETENTION_DAYS", default=30)
# Files of leads and policies: how long they are kept, and how long an address that fetches one works.
EXPORT_RETENTION_HOURS = env.int("EXPORT_RETENTION_HOURS", default=72)
EXPORT_LINK_VALID_S = env.int("EXPORT_LINK_VALID_S", default=3600)

# --- Webhooks ----------------------------------------------------------------------
# Signs callbacks of a client that has no secret of its own.
WEBHOOK_SECRET = env.str("WEBHOOK_SECRET")
WEBHOOK_TIMEOUT_S = 30
# A subscription whose every attempt has failed for so long is disabled (5 days).
WEBHOOK_DISABLE_AFTER_S = env.int("WEBHOOK_DISABLE_AFTER_S", default=5 * 86_400)
# Development only: lets webhooks and audio addresses point at this machine (never at other private hosts).
OUTBOUND_ALLOW_LOOPBACK = env.bool("OUTBOUND_ALLOW_LOOPBACK", default=False)
# How soon an operator should settle a request whose type has no handler.
REQUEST_TARGET_S = env.int("REQUEST_TARGET_S", default=86_400)
LOG_RETENTION_DAYS = env.int("LOG_RETENTION_DAYS", default=90)

# --- Rewards ------------------------------------------------------------------------
# How many postbacks an address may send a minute; a tenth of them at once.
POSTBACKS_PER_MINUTE = env.int("POSTBACKS_PER_MINUTE", default=60_000)
# Payouts by Stripe Connect transfers; empty: bank files only.
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_API_URL = env.str("STRIPE_API_URL", default="https://api.stripe.com").rstrip("/")

# --- Mail: notices to people ----------------------------------------------------------
vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="partner-hub@localhost")

# --- Pages -----------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("he", "עברית")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": [],
    "geolocation": [],
    "microphone": [],
    "payment": [],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# --- Logs: one line an event, no secret in any -------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
_shared_processors: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
    mask_paths,
]
structlog.configure(
    processors=[*_shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.processors.JSONRenderer(),
            "foreign_pre_chain": _shared_processors,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": []},
        # a refusal is an answer, and stands in the request log
        "django.request": {"level": "ERROR"},
        # thirty lines for each font of a PDF
        "fontTools": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
