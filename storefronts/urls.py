from django.urls import path

from storefronts import views
from storefronts.pages import content, domains, sites, widgets

api_urlpatterns = [
    path("v1/widgets/offers", views.WidgetOfferViewSet.as_view({"get": "list", "options": "metadata"})),
    path(
        "v1/widgets/offers/<uuid:offer_id>",
        views.WidgetOfferViewSet.as_view({"get": "retrieve", "options": "metadata"}),
    ),
]
_SITE = "dashboard/sites/<uuid:pk>"
urlpatterns = [
    path("widgets/<slug:name>.js", views.widget_script, name="widget-script"),
    path("widgets/<str:version>/<slug:name>.js", views.widget_script, name="widget-script-version"),
    path("widgets/demo", views.widget_demo, name="widget-demo"),
    path("sites/ask", views.tls_ask, name="sites-ask"),
    path("dashboard/sites", sites.site_list, name="dashboard-sites"),
    path("dashboard/sites/new", sites.site_new, name="dashboard-site-new"),
    path(_SITE, sites.site_settings, name="dashboard-site"),
    path(f"{_SITE}/picture", sites.site_picture_change, name="dashboard-site-picture"),
    path(f"{_SITE}/preview", sites.site_preview, name="dashboard-site-preview"),
    path(f"{_SITE}/preview/theme.css", sites.site_preview_theme, name="dashboard-site-preview-theme"),
    path(
        f"{_SITE}/preview/picture/<str:kind>.png", sites.site_picture, name="dashboard-site-preview-picture"
    ),
    path(f"{_SITE}/navigation", content.navigation, name="dashboard-site-navigation"),
    path(f"{_SITE}/pages", content.page_list, name="dashboard-site-pages"),
    path(f"{_SITE}/pages/new", content.page_edit, name="dashboard-site-page-new"),
    path(f"{_SITE}/pages/<uuid:page_id>", content.page_edit, name="dashboard-site-page"),
    path(f"{_SITE}/pages/<uuid:page_id>/remove", content.page_delete, name="dashboard-site-page-remove"),
    path(f"{_SITE}/domains", domains.domain_list, name="dashboard-site-domains"),
    *(
        path(
            f"{_SITE}/domains/<uuid:domain_id>/{act}",
            domains.domain_act,
            {"act": act},
            name=f"dashboard-site-domain-{act}",
        )
        for act in ("check", "vouch", "primary", "remove")
    ),
    path("dashboard/widgets", widgets.key_list, name="dashboard-widgets"),
    path("dashboard/widgets/new", widgets.key_new, name="dashboard-widget-key-new"),
    path("dashboard/widgets/<uuid:pk>", widgets.key_detail, name="dashboard-widget-key"),
    path("dashboard/widgets/<uuid:pk>/revoke", widgets.key_revoke, name="dashboard-widget-key-revoke"),
]
