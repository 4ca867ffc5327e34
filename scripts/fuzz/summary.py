# SPDX-License-Identifier: MIT
"""What the processes of a run have done, added up: the same words for every engine."""

NEVER_SHOWN = 40  # rules


def merge(stats):
    """Numbers added, of seconds the largest."""
    total = {"seconds": 0}
    for one in stats:
        _add(total, one)
    return total


def _add(total, one):
    for key, value in one.items():
        if isinstance(value, dict):
            _add(total.setdefault(key, {}), value)
        elif key == "seconds":
            total[key] = max(total[key], value)
        elif isinstance(value, (int, float)) and not key.endswith(("_per_second", "_share")):
            total[key] = total.get(key, 0) + value


def of_target(name, stats):
    v = merge(stats)
    seconds = max(v["seconds"], 1)
    text = f"  {name:<18} {v.get('executions', 0):.0f} executions, {v.get('executions', 0) / seconds:.0f}/s"
    if v.get("plans"):
        text += f", {v['plans']:.0f} plans, {v['plans'] / seconds:.0f}/s"
    if v.get("steps"):
        text += (f", {v['steps']:.0f} steps of sessions, {v['steps'] / seconds:.0f}/s, "
                 f"{100 * v['reused'] / max(v['step_problems'], 1):.0f}% of their plans kept ones")
    for key, words in (("problems", "problems run"), ("sampled", "of them in some rows"), ("blind", "blind"),
                       ("skipped", "too large to run")):
        if v.get(key):
            text += f", {v[key]:.0f} {words}"
    return text


def of_all(stats):
    """Kernels on devices (a device counts as covered with any of its weakenings: gfx942~lds/2 is gfx942), rules."""
    v = merge(stats)
    text = []
    chosen, ran = v.get("chosen", {}), v.get("ran", {})
    devices = sorted({d.split("~")[0] for by_device in chosen.values() for d in by_device})
    covered = {what: {k: sum(any(n and d.split("~")[0] == device for d, n in by_device.items()) for device in devices)
                      for k, by_device in table.items()} for what, table in (("chosen", chosen), ("ran", ran))}
    n_chosen, n_ran = (sum(covered[what].values()) for what in ("chosen", "ran"))
    text.append(f"  kernels x devices  {n_chosen} chosen, {n_ran} run, of {len(chosen)} x {len(devices)}:"
                + "".join(f"  {k} {covered['chosen'][k]}, {covered['ran'].get(k, 0)}" for k in chosen))
    rules = v.get("rules", {})
    never = [r for r in rules if not rules[r]]
    text.append(f"  rules fired        {len(rules) - len(never)} of {len(rules)}"
                + ("; never: " + " ".join(never[:NEVER_SHOWN]) if never else ""))
    plans = sum(n for by_device in chosen.values() for n in by_device.values())
    naive = sum(chosen.get("naive", {}).values())
    text.append(f"  naive chosen       {100 * naive / max(plans, 1):.3f}% of plans")
    if v.get("components"):
        text.append(f"  unjudged           {100 * v['unjudged_components'] / v['components']:.3f}% of components")
    return text
