from __future__ import annotations
import time
from collections import Counter
from random import Random
from tests.standing.recorded_answers import *
from tests.standing.answer_damage import *
from tests.standing.conftest import connected

def test_scenes(connected, tmp_path):
    from itertools import count
    n = count()
    scenes = record_scenes(lambda **how: Standing(connected, tmp_path, lambda like="": f"sqlite:///{tmp_path}/s{next(n)}.db", **how))
    import pickle
    reader = Reader()
    truth = [reader.read(s, s.wire) for s in scenes]
    t = time.time()
    words, bad = Counter(), Counter()
    shown = 0
    for i in range(8000):
        random = Random(f"d-{i}")
        k = random.randrange(len(scenes))
        s = scenes[k]
        m = mangled(s.documents, random, lies=None)
        try:
            end = reader.read(s, s.answers(m))
        except Exception as e:
            import traceback
            print("CRASH", i, s.way, s.name, type(e), e); traceback.print_exc(limit=-3)
            shown += 1
            continue
        words.update(end.words or ["none"])
        if end.stamps and end.stamps != truth[k].stamps:
            bad[s.way, s.name] += 1
            if bad[s.way, s.name] <= 4:
                print("BAD", i, s.way, s.name, end, truth[k].stamps)
                for key, (st, body) in m.items():
                    o = s.documents[key][1]
                    print("   ", key, st, diff(o, body))
        if shown > 5: break
    print(words, bad, time.time() - t)

def diff(a, b, path=""):
    if isinstance(b, bytes): return b[:80]
    if type(a) is not type(b): return f"{path}: {str(a)[:80]} -> {str(b)[:80]}"
    if isinstance(a, dict):
        return "; ".join(x for k in {**a, **b} if (x := (diff(a[k], b[k], f"{path}.{k}") if k in a and k in b else f"{path}.{k} {'gone' if k in a else 'new'}: {str(a.get(k))[:60]}")))
    if isinstance(a, list):
        if len(a) != len(b): return f"{path}: {len(a)}->{len(b)} items"
        return "; ".join(x for i, (p, q) in enumerate(zip(a, b)) if (x := diff(p, q, f"{path}[{i}]")))
    return "" if a == b else f"{path}: {str(a)[:80]} -> {str(b)[:80]}"
