"""What a browser may say on the websocket, frame by frame."""

import json

import pytest

from medcal.edge.frames import LONG, BadFrame, Conversation, UnknownEvent

KNOWN = {"state.say", "state.hydrate"}
HELLO = '40/_event,{"event":{"name":"state.hydrate","payload":{"hashes":["a"]},"router_data":{"pathname":"/"}}}'


@pytest.fixture
def talk() -> Conversation:
    """A conversation after its greeting."""
    conversation = Conversation(KNOWN)
    conversation.read(HELLO)
    return conversation


def event(**parts: object) -> str:
    return "42/_event," + json.dumps(["event", {"name": "state.say", **parts}])


def heard(frame: str) -> dict:
    """The event that Reflex would get."""
    name, said = json.loads(frame.removeprefix("42/_event,"))
    assert name == "event"
    return said


def test_what_our_pages_say_gets_through():
    talk = Conversation(KNOWN)

    greeting = talk.read(HELLO.replace("}}}", '}},"state_schema":"abc"}'))
    said = heard(
        talk.read(event(payload={"text": "x"}, router_data={"pathname": "/a", "asPath": "/a?b=c", "query": {"b": "c"}}))
    )

    assert json.loads(greeting.removeprefix("40/_event,")) == {
        "event": {"name": "state.hydrate", "payload": {"hashes": ["a"]}, "router_data": {"pathname": "/"}},
        "state_schema": "abc",
    }
    assert said["payload"] == {"text": "x"}
    assert said["router_data"] == {"pathname": "/a", "asPath": "/a?b=c", "query": {"b": "c"}}
    assert (talk.read("3"), talk.read('42/_event,["ping"]')) == ("3", '42/_event,["ping"]')
    assert talk.read("41/_event,") == "41/_event,"


def test_a_socket_that_reconnects_greets_again(talk):
    talk.read("41/_event,")

    assert talk.read(HELLO).startswith("40/_event,")


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "2",
        "5",
        "6",
        "4",
        "42",
        "hello",
        '42["event",{"name":"state.say"}]',
        '42/other,["event",{"name":"state.say"}]',
        '42/_event,12["event",{"name":"state.say"}]',
        '43/_event,1["x"]',
        '44/_event,{"message":"x"}',
        '451-/_event,["event",{"_placeholder":true,"num":0}]',
        '461-/_event,1["x"]',
        "42/_event,",
        "42/_event,{",
        "42/_event,null",
        "42/_event,[]",
        '42/_event,["event"]',
        '42/_event,["event",null]',
        '42/_event,["event","{}"]',
        '42/_event,["event",{}]',
        '42/_event,["event",{"name":5}]',
        '42/_event,["event",{"name":["state.say"]}]',
        '42/_event,["event",{"name":"state.say"},1]',
        '42/_event,["event",{"name":"state.say","payload":[1]}]',
        '42/_event,["event",{"name":"state.say","payload":"x"}]',
        '42/_event,["event",{"name":"state.say","router_data":[1]}]',
        '42/_event,["event",{"name":"state.say","payload":{"n":NaN}}]',
        '42/_event,["event",{"name":"state.say","payload":{"n":' + "9" * 5_000 + "}}]",
        '42/_event,["event",{"name":"state.say","payload":{"n":' + "[" * 50_000 + "]" * 50_000 + "}}]",
        '42/_event,["connect",{"QUERY_STRING":"token=x"}]',
        '42/_event,["disconnect"]',
        '42/_event,["client_error","x"]',
        HELLO,
    ],
)
def test_what_our_pages_never_say_is_refused(talk, frame):
    with pytest.raises(BadFrame):
        talk.read(frame)


def test_nothing_is_heard_before_the_greeting():
    with pytest.raises(BadFrame):
        Conversation(KNOWN).read(event())


@pytest.mark.parametrize(
    "greeting", ["40/_event,[]", '40/_event,{"event":5}', '40/_event,{"event":{"name":5}}', "40/_event,{"]
)
def test_a_greeting_that_is_none_is_refused(greeting):
    with pytest.raises(BadFrame):
        Conversation(KNOWN).read(greeting)


def test_an_event_of_an_older_page_is_told_apart_from_an_attack(talk):
    with pytest.raises(UnknownEvent):
        talk.read(event(name="state.gone"))


def test_an_older_page_still_connects_and_can_be_told_to_reload():
    greeting = Conversation(KNOWN).read('40/_event,{"event":{"name":"state.gone"},"state_schema":"old"}')

    assert json.loads(greeting.removeprefix("40/_event,")) == {"state_schema": "old"}


def test_the_page_says_where_it_is_and_nothing_else(talk):
    router_data = {
        "pathname": "/a",
        "asPath": "//elsewhere.example/",
        "headers": {"authorization": "Medcal staff=x"},
        "token": "x",
        "ip": "1.2.3.4",
        "query": {"a": "1", "b": ["2"], "c": {"d": 1}, "e": "\0", "f": "\ud800", "g": "x" * (LONG + 1), "h": None},
    }

    said = heard(talk.read(event(router_data=router_data, token="x", substate="y")))

    assert said == {"name": "state.say", "payload": {}, "router_data": {"pathname": "/a", "query": {"a": "1"}}}


@pytest.mark.parametrize("path", ["elsewhere", "@elsewhere.example", "//[", "", "\\elsewhere"])
def test_a_path_is_a_path(talk, path):
    assert heard(talk.read(event(router_data={"pathname": path, "asPath": path})))["router_data"] == {}


def test_reports_of_failing_scripts_are_texts(talk):
    frame = talk.read(
        '42/_event,["client_error",{"message":"x","error_type":"y","substate":{"a":1},"more":"' + "x" * 3_000 + '"}]'
    )

    assert json.loads(frame.removeprefix("42/_event,")) == ["client_error", {"message": "x", "error_type": "y"}]
