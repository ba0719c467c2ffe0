from django.urls import path

from invoices import pages, views

api_urlpatterns = [
    path("invoices", views.InvoiceViewSet.as_view({"get": "list"})),
    path("invoices/<uuid:invoice_id>", views.InvoiceViewSet.as_view({"get": "retrieve"})),
]
urlpatterns = [
    path("dashboard/invoices", pages.invoice_list, name="dashboard-invoices"),
    path("dashboard/invoices/profile", pages.profile, name="dashboard-invoice-profile"),
    path("dashboard/invoices/<uuid:pk>", pages.invoice_detail, name="dashboard-invoice"),
    path("dashboard/invoices/<uuid:pk>.pdf", pages.invoice_document, name="dashboard-invoice-pdf"),
    path("dashboard/invoices/<uuid:pk>.xml", pages.invoice_for_programs, name="dashboard-invoice-xml"),
    path("dashboard/invoices/<uuid:pk>/payment", pages.invoice_payment, name="dashboard-invoice-payment"),
    path("dashboard/invoices/<uuid:pk>/credit", pages.invoice_credit, name="dashboard-invoice-credit"),
]
