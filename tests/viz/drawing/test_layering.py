import itertools

from hypothesis import given, strategies as st

from viz.drawing.layering import Level, Link, arrange


def level(count, links, width=40.0, **rest):
    return Level([(width, 20.0)] * count, [Link(a, b, trunk=a) for a, b in links], **rest)


@given(st.integers(1, 15), st.data())
def test_links_go_down_and_neighbours_keep_their_distance(count, data):
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    links = [(a, b) for a, b in data.draw(st.lists(pairs, max_size=30)) if a < b]
    made = arrange(level(count, links))
    for a, b in links:
        assert made.y[a] < made.y[b]
    rows = {}
    for x, y in zip(made.x, made.y, strict=True):
        rows.setdefault(y, []).append(x)
    for row in rows.values():
        assert all(b - a >= 40 for a, b in itertools.pairwise(sorted(row)))
    assert made.left <= min(made.x) - 20 + 1e-6
    assert made.right >= max(made.x) + 20 - 1e-6
    # What is tied to nothing stays beside the rest.
    assert made.right - made.left <= 100 * (count + len(links))


def test_what_is_tied_to_nothing_leans_on_what_is():
    made = arrange(level(5, [(1, 2)]))
    left, tied, *right = (made.x[k] for k in (0, 1, 3, 4))
    assert abs(made.x[1] - made.x[2]) < 0.01
    assert {made.y[k] for k in (0, 1, 3, 4)} == {made.y[1]}
    assert 40 <= tied - left <= 80
    assert [40 <= b - a <= 80 for a, b in itertools.pairwise([tied, *right])] == [True, True]
    alone = arrange(level(3, []))
    assert max(alone.x) - min(alone.x) <= 160


def test_sources_stand_next_to_what_reads_them():
    made = arrange(level(5, [(0, 1), (1, 2), (2, 3), (4, 3)]))
    assert made.y[4] == made.y[2]


def test_links_of_one_source_share_their_way():
    made = arrange(level(6, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (0, 3)]))
    long, shorter = made.routes[4], made.routes[5]
    assert len(long) == 5
    assert long[: len(shorter) - 1] == shorter[:-1]


def test_a_chain_is_straight():
    made = arrange(level(30, [(k, k + 1) for k in range(29)]))
    assert max(made.x) - min(made.x) < 0.01


def test_crossings_are_removed():
    # Three ladders whose rungs come in another order on every row.
    links = [(0, 5), (1, 3), (2, 4), (3, 7), (4, 8), (5, 6)]
    made = arrange(level(9, links))
    for (a, b), (c, d) in itertools.combinations(links, 2):
        if made.y[a] == made.y[c]:
            assert (made.x[a] < made.x[c]) == (made.x[b] < made.x[d])


def test_pinned_items_stand_in_the_first_and_last_row_and_titles_left():
    made = arrange(level(5, [(1, 2), (2, 3)], first={0, 1}, last={3}, leftmost=0))
    assert made.y[0] == made.y[1] == min(made.y)
    assert made.y[3] == max(made.y)
    assert made.x[0] < made.x[1]


def test_what_is_tied_to_nothing_stays_close():
    links = [(k, k + 20) for k in range(20)]
    made = arrange(level(41, links))
    assert max(made.x) - min(made.x) < 25 * 64


def test_a_title_alone_in_its_row_stands_over_the_left_end():
    made = arrange(level(4, [(1, 2), (1, 3)], first={0}, leftmost=0))
    assert made.x[0] == min(made.x)


def test_a_circle_and_a_loop_come_to_an_end():
    made = arrange(level(3, [(0, 1), (1, 0), (2, 2)]))
    assert made.y[0] != made.y[1]
    up = made.routes[1]
    assert up[0][1] > up[-1][2]


def test_nothing_gives_nothing():
    assert arrange(Level()).x == []
