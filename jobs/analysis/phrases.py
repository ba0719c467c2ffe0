"""What the content stage listens for, in English and Hebrew: example sentences, matched by meaning."""

from dataclasses import dataclass

CHECKLIST: dict[str, tuple[str, ...]] = {
    "greeting": (
        "good morning, thank you for calling",
        "hello, how can I help you today",
        "שלום, איך אפשר לעזור לך היום",
        "בוקר טוב, תודה שהתקשרת",
    ),
    "self_introduction": (
        "my name is Daniel",
        "this is Sarah speaking",
        "מדברת שרה",
        "שמי דניאל ואני מהשירות",
    ),
    "verification": (
        "may I have your account number",
        "can you confirm your identity number",
        "could you tell me your name and address please",
        "אפשר את מספר הלקוח שלך",
        "תוכל לאמת את מספר הזהות",
    ),
    "empathy": (
        "I am sorry to hear that",
        "I understand how frustrating this must be",
        "I apologize for the inconvenience",
        "אני מצטערת לשמוע",
        "אני מבין כמה זה מתסכל",
    ),
    "resolution": (
        "I will correct it right now and refund you",
        "I have fixed the problem",
        "the technician will come tomorrow",
        "I have credited your account",
        "תיקנתי את התקלה",
        "הזיכוי יופיע בחשבון הבא",
    ),
    "anything_else": (
        "is there anything else I can help you with",
        "האם יש עוד משהו שאוכל לעזור בו",
    ),
    "closing": (
        "thank you for calling, have a wonderful day",
        "goodbye and have a nice day",
        "תודה ויום נעים",
        "תודה שפנית אלינו, להתראות",
    ),
    "needs": (
        "what are you looking for",
        "tell me about what you need",
        "מה חשוב לך בשירות",
    ),
    "offer": (
        "I can offer you a better plan",
        "we have a special price for you today",
        "יש לי הצעה מיוחדת בשבילך",
    ),
    "commitment": (
        "shall we go ahead and sign you up",
        "would you like to order it now",
        "נתקדם עם ההזמנה",
    ),
}

_SERVICE = (
    "greeting",
    "self_introduction",
    "verification",
    "empathy",
    "resolution",
    "anything_else",
    "closing",
)


@dataclass(frozen=True, slots=True)
class CallType:
    """What an agent should do in a call of this type, and what each part of the score weighs."""

    checklist: tuple[str, ...]
    weights: dict[str, float]


_WEIGHTS = {
    "protocol": 0.30,
    "customer_sentiment": 0.25,
    "agent_tone": 0.20,
    "dynamics": 0.15,
    "outcome": 0.10,
}
GENERAL = CallType(_SERVICE, _WEIGHTS)
CALL_TYPES: dict[str, CallType] = {
    "general": GENERAL,
    "support": GENERAL,
    "billing": GENERAL,
    "complaint": CallType(_SERVICE, _WEIGHTS | {"customer_sentiment": 0.30, "protocol": 0.25}),
    "sales": CallType(
        ("greeting", "self_introduction", "needs", "offer", "commitment", "closing"),
        _WEIGHTS | {"outcome": 0.20, "customer_sentiment": 0.15},
    ),
}

INTENTS: dict[str, tuple[str, ...]] = {
    "billing": (
        "my bill is too high",
        "I was charged twice",
        "the invoice amount is wrong",
        "חייבתם אותי פעמיים",
        "יש טעות בחשבונית",
    ),
    "cancellation": (
        "I want to cancel my contract",
        "I am leaving for another provider",
        "אני רוצה לבטל את המנוי",
        "אני עובר לחברה אחרת",
    ),
    "refund": (
        "I want my money back",
        "when will I get the refund",
        "אני רוצה את הכסף שלי בחזרה",
        "מתי אקבל זיכוי",
    ),
    "technical": (
        "my internet is not working",
        "the device is broken",
        "there is an outage",
        "האינטרנט שלי לא עובד",
        "המכשיר התקלקל",
    ),
    "escalation": (
        "let me speak to a manager",
        "I will file a complaint",
        "תעביר אותי למנהל",
        "אני אגיש תלונה",
    ),
    "purchase": (
        "I would like to order this plan",
        "how much does it cost",
        "אני רוצה להזמין את החבילה",
        "כמה זה עולה",
    ),
}

SENTIMENT: dict[int, tuple[str, ...]] = {
    -1: (
        "I am angry and upset",
        "this is terrible service",
        "I am disappointed and frustrated",
        "I want to complain",
        "it is broken again, nobody helps me",
        "אני כועס ומאוכזב",
        "זה שירות גרוע",
    ),
    1: (
        "thank you, that is great",
        "I am happy and satisfied",
        "you solved my problem, excellent",
        "wonderful service",
        "תודה רבה, מצוין",
        "אני מרוצה מאוד",
    ),
    0: (
        "here is my account number",
        "the appointment is on Monday",
        "please hold the line",
        "I have a question about my order",
        "מספר הלקוח שלי הוא",
        "יש לי שאלה על ההזמנה",
    ),
}
