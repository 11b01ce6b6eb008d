"""How much one browser may ask for."""

import pytest

from medcal.edge.limits import Bucket, Crowd, Limits, client_address, household


def test_a_bucket_gives_what_it_has_and_refills():
    bucket = Bucket(rate=10, size=3)

    at_once = [bucket.take(now=100) for _ in range(5)]
    later = [bucket.take(now=100.2) for _ in range(3)]
    much_later = [bucket.take(now=1_000) for _ in range(5)]

    assert at_once == [True, True, True, False, False]
    assert later == [True, True, False]
    assert much_later == [True, True, True, False, False]


def test_only_so_many_sockets_of_one_address_at_a_time():
    crowd = Crowd(Limits(sockets_per_address=2))

    assert [crowd.enter("192.0.2.1", 0) for _ in range(3)] == [True, True, False]
    assert crowd.enter("192.0.2.2", 0)
    crowd.leave("192.0.2.1")
    assert crowd.enter("192.0.2.1", 0)


def test_new_sockets_of_one_address_come_no_faster_than_people_do():
    crowd = Crowd(Limits(new_sockets_per_second=1, new_sockets_at_once=3))

    for _ in range(3):
        assert crowd.enter("192.0.2.1", 0)
        crowd.leave("192.0.2.1")

    assert not crowd.enter("192.0.2.1", 0)
    assert crowd.enter("192.0.2.1", 1)


def test_an_ipv6_network_is_one_household():
    crowd = Crowd(Limits(sockets_per_address=1))

    assert crowd.enter("2001:db8::1", 0)
    assert not crowd.enter("2001:db8::2", 0)
    assert crowd.enter("2001:db8:0:1::1", 0)


def test_a_proxy_on_this_machine_is_not_taken_for_one_person():
    crowd = Crowd(Limits(sockets_per_address=1))

    assert all(crowd.enter(address, 0) for address in ("127.0.0.1", "127.0.0.1", "::1", "::ffff:127.0.0.1"))


def test_addresses_that_came_once_are_forgotten():
    crowd = Crowd(Limits())
    for number in range(10_100):
        crowd.enter(f"10.0.{number // 250}.{number % 250}", now=number)

    assert len(crowd._new) < 10_010


def test_household_of_odd_addresses():
    assert household("not an address") == "not an address"
    assert household("::ffff:192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("forwarded", "hops", "address"),
    [
        ([], 0, "10.0.0.1"),
        (["6.6.6.6"], 0, "10.0.0.1"),
        (["6.6.6.6, 192.0.2.1"], 1, "192.0.2.1"),
        (["6.6.6.6", "192.0.2.1"], 1, "192.0.2.1"),
        (["6.6.6.6, 192.0.2.1, 10.0.0.2"], 2, "192.0.2.1"),
        (["192.0.2.1"], 2, "10.0.0.1"),
        ([" , "], 1, "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_say_where_somebody_comes_from(forwarded, hops, address):
    assert client_address("10.0.0.1", forwarded, hops) == address
