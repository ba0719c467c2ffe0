"""The addresses of every site; a language prefix is taken off before (storefronts/site/middleware.py)."""

from django.urls import path

from storefronts.site import documents, views

urlpatterns = [
    path("", views.home, name="home"),
    path("offers", views.offers, name="offers"),
    path("c/<str:slug>", views.category, name="category"),
    path("o/<str:slug>", views.offer, name="offer"),
    path("search", views.search, name="search"),
    path("p/<slug:slug>", views.page, name="page"),
    path("theme.css", documents.theme, name="theme"),
    path("picture/<str:kind>.png", documents.picture, name="picture"),
    path("favicon.ico", documents.favicon, name="favicon"),
    path("sitemap.xml", documents.sitemap, name="sitemap"),
    path("robots.txt", documents.robots, name="robots"),
]
