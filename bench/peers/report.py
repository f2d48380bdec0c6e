"""Shows the measurements of compare.py as tables and a plot.

    python bench/peers/report.py peers.json [--plot peers.svg]      prints the tables of an earlier run
"""
import argparse
import json
import statistics
from pathlib import Path

TITLES = {"networks": "Networks", "steps": "Denoising steps (the paper's Table 1)", "guidance": "Guidance (the paper's Table 2)"}
# Figures of the paper (arXiv 2312.12491): milliseconds for image to image at 512x512 on an RTX 4090 with TensorRT.
PAPER = {"steps/1": 10.65, "steps/2": 16.74, "steps/4": 26.93, "steps/10": 62.0}
PAPER_NOTE = ("Paper: StreamDiffusion with TensorRT on an RTX 4090; at one step AutoPipelineForImage2Image took 59.6 times as long "
              "(634 ms) there.")


SAME_PRECISION = {"openvino-auto": "ours-bf16", "openvino-int8": "ours-int8"}


def ours_beside(engine, engines):
    """Returns the engine of ours to compare with: that of the same precision, or the first. None if it is `engine` itself."""
    ours = [other for other in engines if other.startswith("ours")]
    wanted = SAME_PRECISION.get(engine, "ours")
    found = wanted if wanted in ours else next(iter(ours), None)
    return found if found != engine else None


def add_runs(table, runs, gflop):
    """Adds the runs of one group of engines to a table. Ours may be added several times, once with each peer."""
    for name, by_engine in runs.items():
        row = table.setdefault(name, {"gflop": gflop[name], "engines": {}})
        for engine, seconds in by_engine.items():
            cell = row["engines"].setdefault(engine, {"runs": []})
            cell["runs"] += seconds
            cell["seconds"] = statistics.median(cell["runs"])
            ours = ours_beside(engine, by_engine)
            if ours:
                cell["times_ours"] = statistics.median(seconds) / statistics.median(by_engine[ours])


def cells(row, engine, key, form):
    cell = row["engines"].get(engine)
    return form.format(cell[key]) if cell and key in cell else ""


def grid(rows):
    rows.insert(1, ["---"] + ["---:"] * (len(rows[0]) - 1))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def engines_of(table, known):
    """Returns the engines in a table, in the order of `known`."""
    return [engine for engine in known if any(engine in row["engines"] for row in table.values())]


def table_text(name, table, known):
    engines = engines_of(table, known)
    others = [engine for engine in engines if ours_beside(engine, engines)]
    head = ["", "GFLOP"] + [f"{e} ms" for e in engines] + [f"{e} / {ours_beside(e, engines)}" for e in others]
    with_rates, with_paper = name == "networks", name == "steps"
    head += [f"{e} GFLOP/s" for e in engines] if with_rates else ["paper, ms"] if with_paper else []
    rows = [head]
    for measurement, row in table.items():
        line = [measurement.replace("/", " "), f"{row['gflop']:.1f}" if row["gflop"] else ""]
        line += [f"{row['engines'][e]['seconds'] * 1e3:.4g}" if e in row["engines"] else "" for e in engines]
        line += [cells(row, e, "times_ours", "{:.2f}") for e in others]
        if with_rates:
            line += [f"{row['gflop'] / row['engines'][e]['seconds']:.0f}" if e in row["engines"] else "" for e in engines]
        elif with_paper:
            line.append(str(PAPER.get(measurement, "")))
        rows.append(line)
    return grid(rows)


def behind(tables):
    """Lists the measurements in which a peer is faster than ours."""
    return [f"{measurement.replace('/', ' ')}: {engine} takes {cell['times_ours']:.2f} of ours"
            for table in tables.values() for measurement, row in table.items()
            for engine, cell in row["engines"].items()
            if not engine.startswith("ours") and cell.get("times_ours", 1) < 1]


def markdown(results):
    about, engines = results["about"], results["engines"]
    lines = [f"{about['model']}, {about['width']}x{about['height']}, {about['threads']} threads; median of {about['rounds']} rounds, "
             f"{'each peer beside ours alone' if about['pairs'] else 'all side by side'}.", "",
             f"{about['machine']}; {about['date']}; " + "; ".join(f"{name}: {e['version']}" for name, e in engines.items()) + ".", ""]
    for name, table in results["tables"].items():
        if table:
            lines += [f"## {TITLES[name]}", "", table_text(name, table, engines), ""]
            if name == "steps":
                lines += [PAPER_NOTE, ""]
    lines += ["## Loading and memory", "", grid([["", "load, s", "peak resident, GB", "without mapped files, GB"]] + [
        [name, f"{e['load_seconds']:.2f}", f"{e['peak_gb']:.2f}", f"{e['anonymous_gb']:.2f}"] for name, e in engines.items()]), "",
        "Memory after loading and one frame.", ""]
    late = behind(results["tables"])
    lines += ["Falls behind: " + "; ".join(late) + "." if late else "Nothing here falls behind a peer.", ""]
    return "\n".join(lines)


def place_legend_right(axes, **legend):
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small", **legend)


def plot_steps(axes, table, known):
    counts = sorted({int(name.split("/")[1]) for name in table})
    for engine in engines_of(table, known):
        points = [(int(name.split("/")[1]), row["engines"][engine]["seconds"] * 1e3)
                  for name, row in table.items() if name.startswith("steps/") and engine in row["engines"]]
        axes.plot(*zip(*points), marker="o", label=engine)
    axes.set(title="Image to image", xlabel="denoising steps", ylabel="ms a frame", yscale="log", xticks=counts)
    place_legend_right(axes)


def plot_guidance(axes, table, known):
    from matplotlib.lines import Line2D
    styles = {"self": "-", "initialize": "--", "full": ":"}
    engines = engines_of(table, known)
    for color, engine in enumerate(engines):
        for kind, style in styles.items():
            points = [(int(name.split("/")[2]), row["engines"][engine]["seconds"] * 1e3)
                      for name, row in table.items() if f"/{kind}/" in name and engine in row["engines"]]
            axes.plot(*zip(*points), color=f"C{color}", linestyle=style)
    axes.set(title="Guidance", xlabel="denoising steps", ylabel="ms a frame", yscale="log",
             xticks=sorted({int(name.split("/")[2]) for name in table}))
    place_legend_right(axes, handles=[Line2D([], [], color=f"C{i}", label=engine) for i, engine in enumerate(engines)]
                + [Line2D([], [], color="gray", linestyle=style, label=kind) for kind, style in styles.items()])


def plot_networks(axes, table, known):
    engines, names = engines_of(table, known), list(table)
    width = 0.8 / len(engines)
    for i, engine in enumerate(engines):
        bars = [(x + (i - (len(engines) - 1) / 2) * width, row["engines"][engine]["seconds"] * 1e3)
                for x, row in enumerate(table.values()) if engine in row["engines"]]
        axes.bar(*zip(*bars), width=width, label=engine)
    axes.set(title="Networks", ylabel="ms", yscale="log")
    axes.set_xticks(range(len(names)), [name.replace("_", "\n") for name in names])
    place_legend_right(axes)


def plot(results, file):
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "peers"  # Makes the file reproducible.
    from matplotlib import pyplot, ticker
    about = results["about"]
    draws = {"steps": plot_steps, "guidance": plot_guidance, "networks": plot_networks}
    panels = [(draw, results["tables"][name]) for name, draw in draws.items() if results["tables"].get(name)]
    figure, axes = pyplot.subplots(1, len(panels), figsize=(6 * len(panels), 4.5), squeeze=False)
    for (draw, table), axis in zip(panels, axes[0]):
        draw(axis, table, results["engines"])
        axis.grid(axis="y", alpha=0.3)
        axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
        axis.yaxis.set_minor_locator(ticker.NullLocator())
    figure.suptitle(f"{about['model']}, {about['width']}x{about['height']}, {about['threads']} threads, {about['date']}")
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json", type=Path, help="what compare.py --json wrote")
    parser.add_argument("--plot", type=Path, help="write a plot here, .svg or .png")
    arguments = parser.parse_args()
    results = json.loads(arguments.json.read_text())
    print(markdown(results))
    if arguments.plot:
        plot(results, arguments.plot)
