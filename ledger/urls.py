from django.urls import path

from ledger import pages

urlpatterns = [
    path("dashboard/ledger", pages.balances, name="dashboard-ledger"),
    path("dashboard/ledger/debts", pages.debts, name="dashboard-debts"),
    path("dashboard/ledger/reconciliation", pages.reconciliation, name="dashboard-reconciliation"),
    path("dashboard/ledger/accounts/<uuid:pk>", pages.statement, name="dashboard-statement"),
    path(
        "dashboard/ledger/accounts/<uuid:pk>/export",
        pages.statement_download,
        name="dashboard-statement-export",
    ),
]
