"""The history of a run: columns that come later, curves with a panel for each move."""

from kgan import history, pictures


def test_a_figure_that_comes_later_gets_a_column(tmp_path):
    writer = history.History(tmp_path / "history.csv", 0)
    writer.on_epoch_end(0, {"b": 1.0, "a": 2.0})
    writer.on_epoch_end(1, {"b": 1.5, "a": 2.5, "c": 3.0})
    history.History(tmp_path / "history.csv", 2).on_epoch_end(2, {"a": 4.0})
    assert (tmp_path / "history.csv").read_text().split() == ["epoch,a,b,c", "0,2.0,1.0,NA", "1,2.5,1.5,3.0", "2,4.0,NA,NA"]
    history.History(tmp_path / "history.csv", 0)
    assert not (tmp_path / "history.csv").exists()


def test_curves_have_a_panel_for_each_move(tmp_path):
    """No series that is empty, no color twice, no legend over curves; figures below the moves."""
    (tmp_path / "history.csv").write_text(
        "epoch,diversity,a/one,a/two,b/one,learning_rate,loss,val_a/one\n0,0.5,1,2,3,0.1,6,NA\n1,NA,1,2,3,0.1,6,NA\n"
    )
    rows = history.rows(tmp_path / "history.csv")
    drawn = history.draw({"": rows})
    drawn.canvas.draw()
    curves = {axis.get_title(loc="left").split(":")[0]: [line.get_label() for line in axis.lines] for axis in drawn.axes}
    assert curves == {"a": ["a/one", "a/two"], "b": ["b/one"], "diversity": ["diversity"]}
    for axis in drawn.axes:
        assert len({tuple(line.get_color()) for line in axis.lines}) == len(axis.lines)
        if axis.get_legend():
            assert not axis.get_legend().get_window_extent().overlaps(axis.get_window_extent())
    assert len({tuple(color) for color in pictures.distinct_colors(37)}) == 37
    # Of two runs each column has a panel, with both.
    both = history.draw({"first": rows, "second": rows})
    assert [axis.get_title(loc="left") for axis in both.axes] == ["a/one", "a/two", "b/one", "diversity"]
    assert {line.get_label() for line in both.axes[0].lines} == {"first", "second"}
    assert history.draw({"": []}) is None
