#!/usr/bin/env python3
"""Is standard input good text of Prometheus' exposition format 0.0.4?

    promcheck.py [NAME{LABELS} VALUE]...

Complains on stderr and exits 1; each argument is a sample that must be there,
VALUE a number, or `>=N`, or `<=N`.
"""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'
SAMPLE = re.compile(r"(%s)(?:\{((?:%s(?:,|(?=\})))*)\})? (\S+)"
                    % (NAME, LABEL.replace("(", "(?:").replace("(?:?:", "(?:")))
UNITS = re.compile(r"_(milliseconds|ms|minutes|hours|days|kilobytes)(_|$)")
TYPES = "counter", "gauge", "histogram", "summary", "untyped"
errors = []


def complain(text):
    errors.append(text)


def family_of(name, families):
    for suffix in "_bucket", "_sum", "_count":
        base = name.removesuffix(suffix)
        if base != name and families.get(base) == "histogram":
            return base
    return name


def check_family(name, kind):
    if kind == "counter" and not name.endswith("_total"):
        complain("%s: a counter's name ends with _total" % name)
    if kind != "counter" and name.endswith("_total"):
        complain("%s: only a counter's name ends with _total" % name)
    if UNITS.search(name):
        complain("%s: not in base units" % name)
    if kind != "histogram" and re.search("_(bucket|count|sum)$", name):
        complain("%s: a name that a histogram would have" % name)


def read(text):
    """{(name, labels): value}, families in order"""
    families, helps, samples, current = {}, set(), {}, None
    if not text.endswith("\n"):
        complain("the last line has no end")
    for number, line in enumerate(text.splitlines(), 1):
        m = re.fullmatch("# (HELP|TYPE) (%s) (.+)" % NAME, line)
        if m and m[1] == "HELP":
            if m[2] in helps:
                complain("line %d: a second HELP of %s" % (number, m[2]))
            helps.add(m[2])
        elif m:
            if m[3] not in TYPES or m[2] in families:
                complain("line %d: bad TYPE" % number)
            families[m[2]] = m[3]
            check_family(m[2], m[3])
            current = m[2]
        elif line.startswith("#") or not line:
            complain("line %d: %r" % (number, line))
        else:
            m = SAMPLE.fullmatch(line)
            if not m:
                complain("line %d: no sample: %r" % (number, line))
                continue
            key = m[1], tuple(sorted(re.findall(LABEL, m[2] or "")))
            if key in samples:
                complain("line %d: there is one already: %r" % (number, line))
            if family_of(m[1], families) != current or current not in helps:
                complain("line %d: not below its HELP and TYPE" % number)
            samples[key] = float(m[3].replace("+Inf", "inf"))
            if families.get(current) == "counter" and samples[key] < 0:
                complain("line %d: a counter below 0" % number)
    return samples, families


def check_histogram(name, samples):
    buckets = [(float(dict(labels)["le"].replace("+Inf", "inf")), value)
               for (n, labels), value in samples.items()
               if n == name + "_bucket"]
    if not buckets or buckets != sorted(buckets) or \
            [v for _, v in buckets] != sorted(v for _, v in buckets):
        complain("%s: buckets are not cumulative and in order" % name)
    elif buckets[-1][0] != float("inf") or \
            buckets[-1][1] != samples.get((name + "_count", ())):
        complain("%s: +Inf is not the count" % name)
    if (name + "_sum", ()) not in samples:
        complain("%s: no sum" % name)


def wanted(samples, text):
    m = re.fullmatch(r"(%s)(?:\{(.*)\})? (>=|<=|)(\S+)" % NAME, text)
    have = samples.get((m[1], tuple(sorted(re.findall(LABEL, m[2] or "")))))
    want = float(m[4])
    if have is None or not (have >= want if m[3] == ">=" else
                            have <= want if m[3] == "<=" else have == want):
        complain("expected %s, found %s" % (text, have))


samples, families = read(sys.stdin.read())
for name, kind in families.items():
    if kind == "histogram":
        check_histogram(name, samples)
    elif not any(n == name for n, _ in samples):
        complain("%s: no sample" % name)
for text in sys.argv[1:]:
    wanted(samples, text)
for text in errors:
    print(text, file=sys.stderr)
sys.exit(bool(errors))
