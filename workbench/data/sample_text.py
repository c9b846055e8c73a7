"""Sentences of the generated sample: topics, prompts and building blocks of replies.

Only the sentences of HEDGED, APOLOGIES, QUESTIONS and EXCLAMATIONS hold what their name
says, each exactly once; the others hold none of it, so that planted counts are exact.
COURTESIES to HEADINGS vary what no simulated annotator cares for.
"""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """What a prompt can be about.

    Attributes
    ----------
    task : str
        Infinitive for the prompt, or the subject of a text.
    noun : str
        The same as a noun, for openings.
    facts : tuple of str
        Sentences on this topic.
    code : str
        A snippet that does the task, empty where none belongs.
    """

    task: str
    noun: str
    facts: tuple[str, ...]
    code: str = ""


TEMPLATES = {
    "advice": ("How do I {task} when {slot}?", "What is a sensible way to {task} if {slot}?",
               "A friend wants to {task}, but {slot}. What would you tell them?",
               "Help me make a plan to {task}. One difficulty: {slot}."),
    "coding": ("Write a Python function to {task}. It has to work {slot}.",
               "My script should {task}, and it has to work {slot}. How would you do it?",
               "Explain how to {task} in Python, with an example that works {slot}.",
               "I want to {task} in Python. What is the cleanest way that works {slot}?"),
    "summaries": ("Summarise this note on {task} for {slot}:\n\n{facts}",
                  "What are the main points of this text for {slot}?\n\n{facts}",
                  "Rewrite this note on {task} so that {slot} can use it.\n\n{facts}",
                  "{facts}\n\nWhat should {slot} take from this?"),
}  # fmt: skip

SLOTS = {
    "advice": ("time is short", "money is tight", "the family disagrees", "work is stressful",
               "earlier attempts failed"),
    "coding": ("with little memory", "on Windows and Linux", "without extra packages",
               "for very large inputs", "in a long-running service"),
    "summaries": ("a busy manager", "a class of pupils", "the town council", "a reporter",
                  "a new colleague"),
}  # fmt: skip

TOPICS = {
    "advice": (
        Topic("save for a first flat", "saving for a flat", (
            "Move a fixed sum to a separate account on the day the salary arrives.",
            "The deposit is the real hurdle, so work out that figure before looking at flats.",
            "Cancel two subscriptions and send the same amount straight to the savings.")),
        Topic("learn to cook at home", "learning to cook", (
            "Five dishes are enough for a month, as long as each one is cooked three times.",
            "Buy one good knife and one heavy pan, and leave the gadgets in the shop.",
            "Chop everything before the heat goes on, and the rest becomes calm.")),
        Topic("prepare for a job interview", "preparing for an interview", (
            "Read the advert line by line and note one story from past work for each demand.",
            "Practise the first two minutes aloud until they sound relaxed.",
            "Prepare three questions about the team and leave salary for the second round.")),
        Topic("run a first ten kilometres", "running ten kilometres", (
            "Alternate three minutes of running with one minute of walking for the first weeks.",
            "Add no more than a tenth to the weekly distance.",
            "Run slowly enough to talk in whole sentences.")),
        Topic("sleep better", "sleeping better", (
            "Get up at the same time every day, including Sunday.",
            "Keep the bedroom at eighteen degrees and the phone in the kitchen.",
            "Coffee after lunch is still at work at midnight.")),
        Topic("study for final exams", "studying for exams", (
            "Old papers under real time limits teach more than another reading of the notes.",
            "Mix the subjects within a day instead of giving each one its own week.",
            "Explain a chapter to someone else and write down where the explanation stalls.")),
        Topic("move to a new city", "moving to a new city", (
            "Rent for three months before signing anything longer.",
            "Pick the district by the way to work, since that trip happens twice a day.",
            "Join one club in the first week, because friends come from meeting again.")),
        Topic("start a vegetable garden", "starting a garden", (
            "Two raised beds of one metre by two are plenty for the first year.",
            "Beans, chard and courgettes forgive almost every mistake.",
            "Feed the soil with compost in March and cover it with straw in June.")),
        Topic("ask for a raise", "asking for a raise", (
            "Collect three results with a number attached to each.",
            "Look up what similar posts pay in the region and name one figure.",
            "Ask for a separate meeting rather than raising it between two other items.")),
        Topic("spend less time on the phone", "using the phone less", (
            "Charge the phone outside the bedroom and use a plain alarm clock.",
            "Remove the two apps that take the most time and keep their websites.",
            "Turn the screen grey and switch off every alert that no person sent.")),
        Topic("learn the piano", "learning the piano", (
            "Twenty minutes a day beat two hours at the weekend.",
            "Practise each hand alone before putting both together.",
            "Take the hard bar at half speed and repeat only that bar.")),
        Topic("cut food waste", "cutting food waste", (
            "Plan four dinners for the week and leave two evenings for leftovers.",
            "Put what has to go first on one shelf at eye level.",
            "Bread, herbs and cooked rice freeze well in small bags.")),
    ),
    "coding": (
        Topic("read a large log file line by line", "reading a large log", (
            "A file object is its own iterator, so only one line sits in memory.",
            "Open the file with an explicit encoding and replace the bytes that do not decode.",
            "Compressed logs work the same way with gzip.open in text mode."),
            'def lines(path):\n    with open(path, encoding="utf-8", errors="replace") as file:\n'
            '        for line in file:\n            yield line.rstrip("\\n")'),
        Topic("merge two sorted lists", "merging sorted lists", (
            "The merge from heapq is lazy and accepts any number of sorted inputs.",
            "A key function has to be the one by which both inputs were sorted.",
            "Equal items keep the order of the inputs, which makes the merge stable."),
            "from heapq import merge\n\n\ndef merged(left, right):\n"
            "    return list(merge(left, right))"),
        Topic("count the words of a text", "counting words", (
            "A Counter does the bookkeeping and knows the most common entries.",
            "Lower the case first, and decide whether a hyphen splits a word.",
            "Counters of several chunks add up with a plus sign."),
            "import re\nfrom collections import Counter\n\n\ndef count_words(text):\n"
            '    return Counter(re.findall(r"\\w+(?:-\\w+)?", text.lower()))'),
        Topic("validate e-mail addresses", "checking addresses", (
            "A pattern can only reject the obvious typing errors.",
            "The one real proof of an address is a message that arrives.",
            "Strip white space before the check, since pasted addresses often carry it."),
            'import re\n\n\ndef looks_valid(text):\n    form = r"[^@\\s]+@[^@\\s]+\\.[a-z]{2,}"\n'
            "    return re.fullmatch(form, text.strip(), re.I) is not None"),
        Topic("cache a slow function", "caching a slow function", (
            "The lru_cache decorator works as long as every argument can be hashed.",
            "Set a maximum size, or the cache grows until the process ends.",
            "Results that change over time need an expiry date in the key."),
            "from functools import lru_cache\n\n\n@lru_cache(maxsize=1024)\n"
            "def price(item):\n    return look_up(item)"),
        Topic("parse dates in several formats", "parsing dates", (
            "Try the formats from the strictest to the loosest and stop at the first match.",
            "Day and month cannot be told apart in many dates, so fix one order.",
            "Attach a time zone at the border and keep everything inside in UTC."),
            'from datetime import datetime\n\nFORMATS = ("%Y-%m-%d", "%d.%m.%Y")\n\n\n'
            "def parse(text):\n    for form in FORMATS:\n        try:\n"
            "            return datetime.strptime(text, form)\n        except ValueError:\n"
            "            continue\n    raise ValueError(text)"),
        Topic("retry a failed request", "retrying a request", (
            "Double the wait after each attempt and add a little randomness to it.",
            "Retry on timeouts and on status 429 or 503, and give up on the rest.",
            "A request that writes needs a key that lets the server spot the repeat."),
            "import time\n\n\ndef retry(call, attempts=5):\n    for k in range(attempts):\n"
            "        try:\n            return call()\n        except TimeoutError:\n"
            "            if k != attempts - 1:\n                time.sleep(2**k)\n"
            "    raise TimeoutError"),
        Topic("find duplicate files", "finding duplicates", (
            "Group the files by size first, because most sizes occur only once.",
            "Hash the remaining files in blocks of one megabyte.",
            "Links point to the same file and are no duplicates."),
            "from collections import defaultdict\n\n\ndef by_size(paths):\n"
            "    groups = defaultdict(list)\n    for path in paths:\n"
            "        groups[path.stat().st_size].append(path)\n"
            "    return [g for g in groups.values() if len(g) > 1]"),
        Topic("group records by a key", "grouping records", (
            "The groupby of itertools sees only neighbours, so unsorted input breaks it.",
            "A defaultdict of lists keeps the order in which the keys appear.",
            "When only a sum is needed, keep the sum and not the records."),
            "from collections import defaultdict\n\n\ndef grouped(records, key):\n"
            "    groups = defaultdict(list)\n    for record in records:\n"
            "        groups[record[key]].append(record)\n    return groups"),
        Topic("compute a moving average", "a moving average", (
            "A deque of fixed length drops the oldest value by itself.",
            "Keep a running sum, and each step costs the same for every window.",
            "Say what happens at the start, where the window is not full yet."),
            "from collections import deque\n\n\ndef moving_average(values, size):\n"
            "    window = deque(maxlen=size)\n    for value in values:\n"
            "        window.append(value)\n        yield sum(window) / len(window)"),
        Topic("rename many files safely", "renaming files", (
            "Build the list of old and new names first and print it before anything moves.",
            "Stop when two files would get the same name.",
            "On Windows a name that differs only in case counts as taken."),
            "def rename(paths, new):\n    plan = {p: p.with_name(new(p.name)) for p in paths}\n"
            '    if len(set(plan.values())) != len(plan):\n        raise ValueError("clash")\n'
            "    for old, name in plan.items():\n        old.rename(name)"),
        Topic("round amounts of money", "rounding money", (
            "Binary floats cannot hold ten cents exactly, so keep amounts as Decimal.",
            "Round once, at the end, and write down which rule the bank uses.",
            "Shares of a total need a rule for the last cent."),
            "from decimal import ROUND_HALF_UP, Decimal\n\n\ndef cents(amount):\n"
            '    return Decimal(amount).quantize(Decimal("0.01"), ROUND_HALF_UP)'),
    ),
    "summaries": (
        Topic("city cycling lanes", "cycling lanes", (
            "Cycling rose by a third on the streets with a kerb and by a tenth on painted lanes.",
            "Shops lost parking spaces and counted more customers in the second year.",
            "Most accidents happened at crossings, which the plan had left as they were.")),
        Topic("remote work", "remote work", (
            "Output stayed level while the time spent in meetings grew by an hour a week.",
            "New staff learned more slowly when their whole team worked from home.",
            "Two fixed office days kept most of the gains and cost the least rent.")),
        Topic("school lunches", "school lunches", (
            "Pupils ate more vegetables when they chose between two dishes.",
            "The free lunch reached nine in ten families that had not applied before.",
            "Kitchens on the spot cost more in wages and less in waste.")),
        Topic("urban heat", "urban heat", (
            "Streets with old trees were four degrees cooler on July afternoons.",
            "Roofs painted white helped the top floor and nobody below it.",
            "The hottest blocks house the oldest residents.")),
        Topic("bee colonies", "bee colonies", (
            "Winter losses halved where keepers treated against mites in August.",
            "Flower strips helped wild bees more than honey bees.",
            "The counts rely on volunteers and miss the smallest keepers.")),
        Topic("public libraries", "public libraries", (
            "Loans fell by a fifth while visits rose by the same share.",
            "Opening on Sunday brought families who had no card before.",
            "The tool collection pays for itself within three years.")),
        Topic("water prices", "water prices", (
            "A higher price above a free allowance cut use by eight per cent.",
            "Large families paid more until the allowance counted heads.",
            "Leaks in the mains waste more than all gardens together.")),
        Topic("night trains", "night trains", (
            "Nine in ten beds were sold in summer and five in ten in February.",
            "Track fees make up a third of the ticket.",
            "Most travellers replaced a flight rather than a day train.")),
        Topic("solar roofs", "solar roofs", (
            "The panels paid back after eleven years without a grant and after eight with one.",
            "Flats lag behind houses because every owner has to agree.",
            "Batteries raise the share used at home from a third to two thirds.")),
        Topic("food labels", "food labels", (
            "A coloured label changed one purchase in twenty.",
            "Makers cut sugar before the label became compulsory.",
            "Shoppers in a hurry look at price first and at colour second.")),
        Topic("house insulation", "house insulation", (
            "Insulating the top floor saves most for each euro spent.",
            "Tenants gained warmth while the bills fell less than forecast.",
            "A shortage of fitters delayed four projects in ten.")),
        Topic("noise at night", "noise at night", (
            "A lower speed limit cut the noise by three decibels.",
            "Complaints came from few streets and from many people in each of them.",
            "New asphalt worked for five years and then lost its effect.")),
    ),
}  # fmt: skip

OPENINGS = {
    "advice": ("With {noun}, a small plan beats a big promise.",
               "When it comes to {noun}, two habits matter most.",
               "Many people get stuck on {noun}, and a simple plan goes a long way.",
               "Here is a plan for {noun} that fits into an ordinary week."),
    "coding": ("Most of the work of {noun} is in the standard library.",
               "For {noun}, a small function with a good name is enough.",
               "The main question in {noun} is what to do with broken input.",
               "Here is an approach to {noun} that needs a single pass."),
    "summaries": ("The note on {noun} makes three points.",
                  "The main message on {noun} is short, and the details follow below.",
                  "In brief, the text weighs what has been learned about {noun}.",
                  "Here is the gist of the text on {noun}."),
}  # fmt: skip

SENTENCES = {
    "advice": (
        "Write the goal on paper and put a date next to it.",
        "Set aside half an hour on two fixed days and protect that time.",
        "Track progress in a notebook so that small gains become visible.",
        "Tell one person about the plan, since shared goals are harder to drop.",
        "Remove one obstacle each week instead of waiting for a perfect start.",
        "Keep the first steps easy enough to finish on a bad day.",
        "Compare this month with the last one rather than with other people.",
        "Decide in advance what to skip when the week gets crowded.",
        "A missed day is no reason to stop.",
        "Review the plan after four weeks and adjust the pace.",
        "Put the tools where they are seen every morning.",
        "Reward the routine itself, because results arrive late.",
    ),
    "coding": (
        "Type hints document what goes in and what comes out.",
        "The check for empty input comes first and returns early.",
        "Error messages name the line and the value, which makes them easy to fix.",
        "The tests cover an empty input, a single item and a broken one.",
        "Constants at the top keep the limits in one place.",
        "The function is pure, so calling it twice gives the same result.",
        "Logging goes to standard error and leaves the output clean.",
        "The running time grows in line with the input.",
        "Keep reading and writing out of the function, and it becomes easy to test.",
        "Measure before making it faster, as the slow part is often elsewhere.",
        "A short docstring with one example saves the next reader time.",
        "Let unexpected errors pass instead of hiding them.",
    ),
    "summaries": (
        "The effects differ between districts, and the authors say why.",
        "Critics point to the short period and the missing control group.",
        "The authors ask for open data and a yearly review.",
        "Costs fell in the second year after a slow start.",
        "The sample covers towns of every size in four regions.",
        "Support grew once the figures were published.",
        "Local groups carried much of the work without pay.",
        "The text ends with a list of practical steps.",
        "Maintenance takes a fifth of the budget and is often forgotten.",
        "The largest gain came from better timing rather than more money.",
        "An annex gives the figures for each town.",
        "The forecast for the next ten years rests on one scenario.",
    ),
}  # fmt: skip

POINTS = {
    "advice": (("Budget", "write down fixed costs before anything else"),
               ("Schedule", "reserve two evenings and keep them free"),
               ("First step", "choose the smallest task and finish it today"),
               ("Support", "find one person who has done it before"),
               ("Review", "look back after a month and change one thing"),
               ("Fallback", "keep a cheaper option in reserve"),
               ("Energy", "do the hard part in the morning"),
               ("Limits", "agree on what is enough for now")),
    "coding": (("Input", "accept any iterable and leave it unchanged"),
               ("Memory", "hold one chunk at a time"),
               ("Errors", "raise a ValueError with the row number"),
               ("Tests", "include an empty and a broken input"),
               ("Speed", "avoid a second pass over the data"),
               ("Naming", "say what is returned, not how"),
               ("Limits", "read them from one constant"),
               ("Types", "annotate arguments and the result")),
    "summaries": (("Aim", "compare the cost of action with the cost of waiting"),
                  ("Method", "two surveys and the records of forty towns"),
                  ("Result", "a modest gain that lasts"),
                  ("Weakness", "no control group in the first year"),
                  ("Next step", "publish the figures every spring"),
                  ("Audience", "councils with a small budget"),
                  ("Cost", "about the price of one road repair"),
                  ("Open point", "who pays after the third year")),
}  # fmt: skip

HEDGED = {
    "advice": ("Perhaps a shorter version is enough at first.",
               "Progress might be slower in the first weeks.",
               "This is probably the cheapest way to begin.",
               "Maybe a friend wants to join in.",
               "I think the simple route has the better odds."),
    "coding": ("Perhaps a simpler version is enough at first.",
               "The gain might be smaller on real data.",
               "This is probably the shortest correct version.",
               "It seems that the input decides how fast this runs.",
               "A database could be the better place for this step."),
    "summaries": ("Perhaps the effect is smaller elsewhere.",
                  "The figures might be out of date by now.",
                  "It seems that timing matters most.",
                  "The result is possibly due to chance.",
                  "I think the second point carries the most weight."),
}  # fmt: skip
"""One hedge each."""

APOLOGIES = ("I'm sorry that this answer has to stay general.",
             "I apologize for leaving out some details.",
             "Sorry for the length of this reply.",
             "I'm sorry if some of this is known already.")  # fmt: skip
"""One apology each."""

QUESTIONS = {
    "advice": ("Which of these points matters most to you?", "How much time is there each week?",
               "What has been tried before?", "Is there a fixed deadline?"),
    "coding": ("Which Python version does this run on?", "How large are the real inputs?",
               "What should happen with broken items?", "Is there a test suite already?"),
    "summaries": ("Which of these points needs more detail?", "How long should the summary be?",
                  "Is the full text at hand?", "Should the figures stay in?"),
}  # fmt: skip
"""One question mark each."""

EXCLAMATIONS = {
    "advice": ("Good luck with it!", "The first success comes sooner than expected!",
               "That alone makes a real difference!", "It is worth the effort!"),
    "coding": ("Happy coding!", "That is all it takes!", "The tests will catch the rest!",
               "Five lines are enough!"),
    "summaries": ("That is a striking result!", "The last point is the one to remember!",
                  "A single page says it all!", "The details are worth a look!"),
}  # fmt: skip
"""One exclamation mark each."""

COURTESIES = ("Thank you for the good question.", "Thanks for the background.")
CLOSINGS = ("Let me know how it goes.", "Feel free to send more details.")
CERTAINTIES = ("This is certainly within reach.", "The order is clearly the key.",
               "There is no doubt about the first point.")  # fmt: skip
REFUSALS = ("I cannot check every detail from here.", "I'm unable to verify the figures.")
SOURCES = ("More on this stands at https://example.org/guide in a longer form.",
           "See [the handbook](https://example.org/handbook) for details.",
           "A table of 12 cases gives the background [3].")  # fmt: skip
HEADINGS = ("## Overview", "## In short", "# Answer")

SIMULATED_FAULTS = ("[simulated unreadable reply] The verdict is",
                    '[simulated unreadable reply] {"winner": ',
                    "[simulated unreadable reply]")  # fmt: skip
"""Raw replies of simulated judges that could not be read."""

STYLES = {
    "sim-model-a": (5.0, 1.0, 0.5, 0.5, 0.10, 0.2, 0.3),
    "sim-model-b": (7.0, 3.0, 2.0, 0.3, 0.05, 0.2, 0.4),
    "sim-model-c": (3.5, 0.8, 0.4, 1.3, 0.50, 0.5, 0.2),
    "sim-model-d": (5.5, 1.8, 0.8, 0.6, 0.15, 0.8, 1.3),
}
"""Mean sentences, bullets, bold, hedges, apologies, questions, exclamations of a reply."""

IDLE = {"sim-model-a": 0.10, "sim-model-b": 0.25, "sim-model-c": 0.15, "sim-model-d": 0.20}
"""Share of replies with each property that no annotator rewards or punishes."""
