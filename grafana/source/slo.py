"""Promises and error budgets."""

from __future__ import annotations

from source.dashboard import Dashboard, Row, variable
from source.panels import (
    GREEN,
    NEVER,
    ORANGE,
    RED,
    YELLOW,
    Column,
    bars,
    limits,
    lines,
    stat,
    table,
)
from source.queries import MODEL, SLO, Query, increase, rate, select

EVENTS = "transom_slo_events_total"
BAD = "transom_slo_bad_events_total"
OBJECTIVE = select("transom_slo_objective_ratio", SLO, MODEL)
BUDGET = select("transom_slo_error_budget_remaining_ratio", SLO, MODEL)
BURN = select("transom_slo_burn_rate", SLO, MODEL, 'window=~"$window"')

LEFT = [(None, RED), (0, ORANGE), (0.25, GREEN)]
# The factors at which a ticket and a page are due.
RATES = [(None, GREEN), (1, YELLOW), (6, ORANGE), (14.4, RED)]
EACH = "{{slo}} {{model}}"


def good(by: str = "") -> str:
    """The share of good events in the shown time range."""
    return f"1 - {increase(BAD, SLO, MODEL, by=by)} / {increase(EVENTS, SLO, MODEL, by=by)}"


NOW = [
    stat(
        "Exhausted budgets",
        "Error budgets of which nothing is left.",
        "short",
        Query(f"count({BUDGET} <= 0) or vector(0)"),
        NEVER,
    ),
    stat(
        "Lowest budget",
        "What is left of the most consumed error budget, over its whole window.",
        "percentunit",
        Query(f"min({BUDGET})"),
        LEFT,
    ),
    stat(
        "Fastest burn",
        "The highest burn rate over any of the chosen windows. At 1 a budget lasts exactly as "
        "long as its window.",
        "suffix: ×",
        Query(f"max({BURN})"),
        RATES,
    ),
    stat(
        "Events",
        "Requests that the chosen objectives judged in the shown time range. A request counts "
        "once for each objective that covers it.",
        "short",
        Query(increase(EVENTS, SLO, MODEL)),
    ),
    stat(
        "Bad events",
        "Those of them that were bad.",
        "short",
        Query(increase(BAD, SLO, MODEL)),
        NEVER,
    ),
    stat(
        "Alerts",
        "Alerts on error budgets that Prometheus says are firing, for all objectives.",
        "short",
        Query(
            'count(ALERTS{alertname=~"TransomSlo.*|TransomErrorBudget.*",alertstate="firing"}) '
            "or vector(0)"
        ),
        NEVER,
    ),
]

OBJECTIVES = table(
    "Objectives",
    "Each promise: what was promised, what was kept in the shown time range, and the budget "
    "that is left over its whole window on the worst instance. Without traffic there is "
    "nothing to say.",
    {"slo": "Objective", "model": "Model"},
    [
        Column("Promised", "percentunit", f"max by (slo, model) ({OBJECTIVE})"),
        Column("Good", "percentunit", good("slo, model")),
        Column("Budget left", "percentunit", f"min by (slo, model) ({BUDGET})", LEFT),
        Column("Fastest burn", "suffix: ×", f"max by (slo, model) ({BURN})", RATES),
        Column("Events", "short", increase(EVENTS, SLO, MODEL, by="slo, model")),
        Column("Bad", "short", increase(BAD, SLO, MODEL, by="slo, model"), NEVER),
    ],
)

BUDGETS = [
    bars(
        "Budget left",
        "What is left of each error budget, over its whole window and on the worst instance.",
        "percentunit",
        Query(f"min by (slo, model) ({BUDGET})", EACH),
        LEFT,
    ),
    lines(
        "Budget left over time",
        "What was left of each error budget, over its whole window and on the worst instance. "
        "Below 0 it is overdrawn.",
        "percentunit",
        Query(f"min by (slo, model) ({BUDGET})", EACH),
    ),
]

BURNS = [
    limits(
        "Burn rate by window",
        "How fast the budget of the worst chosen model burns, over each window. A page is due "
        "where both windows of a pair are above 14.4 or 6, a ticket above 3 or 1.",
        "suffix: ×",
        Query(f"max by (slo, window) ({BURN})", "{{slo}} over {{window}}"),
        RATES,
    ),
    limits(
        "Burn rate by model",
        "How fast each budget burns, over the worst of the chosen windows.",
        "suffix: ×",
        Query(f"max by (slo, model) ({BURN})", EACH),
        RATES,
    ),
]

COUNTED = [
    lines(
        "Events",
        "Requests per second that each objective judged, good and bad together.",
        "reqps",
        Query(rate(EVENTS, SLO, MODEL, by="slo, model"), EACH),
    ),
    lines(
        "Bad events",
        "Requests per second that each objective found bad.",
        "reqps",
        Query(rate(BAD, SLO, MODEL, by="slo, model"), EACH),
    ),
    lines(
        "Good",
        "The share of good events at each moment, beside what the budget allows over its "
        "whole window.",
        "percentunit",
        Query(
            f"1 - {rate(BAD, SLO, MODEL, by='slo, model')}"
            f" / {rate(EVENTS, SLO, MODEL, by='slo, model')}",
            EACH,
        ),
    ),
]

DASHBOARD = Dashboard(
    "slo",
    "SLO",
    "What is promised of the models, what was kept, and what is left of the error budgets.",
    [
        Row("Now", [NOW]),
        Row("Objectives", [[OBJECTIVES]]),
        Row("Error budgets", [BUDGETS]),
        Row("Burn rates", [BURNS]),
        Row("Events", [COUNTED]),
    ],
    [
        variable(
            "slo",
            "Objective",
            select("transom_slo_objective_ratio"),
            "slo",
            "The configured objectives.",
        ),
        variable(
            "window",
            "Burn window",
            select("transom_slo_burn_rate", SLO),
            "window",
            "The times that burn rates are taken over.",
        ),
    ],
)
