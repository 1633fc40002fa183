"""Words that the generator makes believable AP data from. Every name is invented."""

from __future__ import annotations

ODD_VENDORS = (
    'Smith & Sons "Quality" Plumbing',
    "Café Zoë GmbH",
    "O'Brien & Daughters Électricité",
    "Sunny Side Up 🍳 Catering",
    "A<B Analytics Ltd",
    "Łódź Maschinenbau Sp. z o.o.",
)
"""Names that break careless code: ampersands, quotes, accents, an emoji, angle brackets."""

PLACES = (
    "Harbor",
    "Summit",
    "Lakeside",
    "Granite",
    "Northfield",
    "Riverbend",
    "Copper Hill",
    "Westgate",
    "Blue Ridge",
    "Old Mill",
    "Fairview",
    "Stonebridge",
    "Prairie",
    "Redwood",
    "Highland",
    "Cedar Point",
)
TRADES = (
    "Office Supply",
    "Freight Lines",
    "Data Centers",
    "Staffing",
    "Facilities",
    "Print Works",
    "Legal Partners",
    "Insurance Brokers",
    "Telecom",
    "Electric Cooperative",
    "Machine Parts",
    "Packaging",
    "Cleaning Services",
    "Software",
    "Travel",
    "Security",
    "Landscaping",
    "Laboratories",
)
FORMS = ("Inc.", "LLC", "Co.", "Ltd", "GmbH", "Group", "Corp.")
VENDOR_KINDS = ("Services", "Materials", "Utilities", "Professional fees", "Contractor")
TERMS = {"Due on receipt": 0, "Net 15": 15, "Net 30": 30, "Net 45": 45, "Net 60": 60}

ACCOUNTS = (
    ("1500", "Prepaid Expenses"),
    ("1710", "Computer Equipment"),
    ("5100", "Cost of Materials"),
    ("5200", "Subcontractors"),
    ("6100", "Rent"),
    ("6120", "Utilities"),
    ("6200", "Office Supplies"),
    ("6250", "Software Subscriptions"),
    ("6300", "Legal & Professional Fees"),
    ("6400", "Travel"),
    ("6420", "Meals & Entertainment"),
    ("6500", "Repairs & Maintenance"),
    ("6600", "Insurance"),
    ("6700", "Freight & Delivery"),
    ("6800", "Advertising"),
    ("7100", "Telephone & Internet"),
)
DEPARTMENTS = (
    ("100", "Executive"),
    ("200", "Finance"),
    ("300", "Engineering"),
    ("400", "Sales"),
    ("500", "Marketing"),
    ("600", "Operations"),
    ("700", "People & Culture"),
)
LOCATIONS = (
    ("US01-SEA", "Seattle", "US01"),
    ("US01-AUS", "Austin", "US01"),
    ("US01-NYC", "New York", "US01"),
    ("UK01-LON", "London", "UK01"),
    ("UK01-MAN", "Manchester", "UK01"),
)
ENTITY_NAMES = {"US01": "Northwind Operations Inc.", "UK01": "Northwind UK Ltd"}
CLASSES = (("CORE", "Core business"), ("GROWTH", "Growth"), ("GRANT", "Grant funded"))
PROJECTS = (
    ("P-1001", "Headquarters refit"),
    ("P-1002", "ERP rollout"),
    ("P-1003", "Trade show – spring"),
    ("P-1004", "Plant 2 expansion"),
    ("P-1005", "Customer portal"),
    ("P-1006", "Café & canteen"),
)
LINE_TEXTS = (
    "Monthly service",
    "Consulting hours",
    "Annual subscription",
    "Materials per delivery note",
    "Freight & handling",
    "Maintenance visit",
    "Toner, paper & pens",
    "Flight SEA–LON",
    "Q3 retainer",
    'Cable 3/4" x 20 ft',
    "Réparation d'urgence",
    "Insurance premium",
)
BILL_TEXTS = (
    "",
    "Monthly invoice",
    "Per agreement",
    "Rush order",
    "Quarterly charge",
    "See attached",
    "Approved quote 118 & addendum",
)
USERS = {
    "xml_gateway": "XML Gateway",
    "mgarcia": "Maria Garcia",
    "jchen": "Jun Chen",
    "amartin": "Alice Martin",
    "bokafor": "Ben Okafor",
    "cruiz": "Carla Ruiz",
    "dpatel": "Dev Patel",
}
METHODS = ("ACH", "Printed Check", "EFT", "WF Domestic ACH")
EXCHANGE_RATES = {
    ("EUR", "USD"): 1_084_500,
    ("GBP", "USD"): 1_271_300,
    ("USD", "GBP"): 786_600,
    ("EUR", "GBP"): 853_100,
}
"""Millionths of the base currency for one unit of the bill's currency."""
