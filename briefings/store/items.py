"""Items, the stories they tell, and their tags."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from heapq import nlargest
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, ForeignKey, Index, UniqueConstraint, delete, func, select, update
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from briefings.domain.entries import StoredItem
from briefings.domain.matching import Candidate
from briefings.domain.stories import Telling
from briefings.store.base import Base, Id, insert_new
from briefings.store.feeds import Feed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session

    from briefings.domain.catalogue import Catalogue
    from briefings.domain.entries import Entry, ItemEdit, NewItem
    from briefings.domain.stories import Group
    from briefings.domain.tagging import Tag as TagValue

#: What an editor may make of an item.
STATES = ("open", "pinned", "hidden")
#: A column has one title for years: of so many of its items it is known that a later one has their title.
MOST_RETOLD = 50


class Story(Base):
    """Items that tell the same news; one leads."""

    __tablename__ = "stories"
    id: Mapped[Id]
    lead_item_id: Mapped[int | None] = mapped_column(index=True)
    created_at: Mapped[datetime]


class Item(Base):
    """A story we kept, as one feed told it."""

    __tablename__ = "items"
    __table_args__ = (
        UniqueConstraint("feed_id", "key"),
        Index("ix_items_published_at", "published_at"),
        Index("ix_items_tagged_by", "tagged_by"),
    )
    id: Mapped[Id]
    feed_id: Mapped[int] = mapped_column(ForeignKey("feeds.id", ondelete="CASCADE"), index=True)
    key: Mapped[str]
    digest: Mapped[str]
    url: Mapped[str]
    canonical_url: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    summary: Mapped[str]
    authors: Mapped[list[str]] = mapped_column(default=list)
    published_at: Mapped[datetime]
    first_seen_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default="open")
    tagged_by: Mapped[str | None]  #: version of tagger and catalogue; none = waits for tags
    story_id: Mapped[int | None] = mapped_column(ForeignKey("stories.id", ondelete="SET NULL"), index=True)
    feed: Mapped[Feed] = relationship(lazy="raise")


class Tag(Base):
    """Item x topic, with score and evidence; an editor's tag wins over a rule's."""

    __tablename__ = "tags"
    __table_args__ = (UniqueConstraint("item_id", "topic", "source"),)
    id: Mapped[Id]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), index=True)
    topic: Mapped[str] = mapped_column(index=True)
    score: Mapped[float]
    evidence: Mapped[list[str]] = mapped_column(default=list)
    reason: Mapped[str] = mapped_column(default="")
    source: Mapped[str]  #: rule, model or editor


def known(session: Session, feed_id: int, keys: Collection[str]) -> dict[str, StoredItem]:
    """What is stored of a feed's entries, by item key."""
    rows = session.execute(select(Item.key, Item.id, Item.digest).where(Item.feed_id == feed_id, Item.key.in_(keys)))
    return {key: StoredItem(item_id, digest) for key, item_id, digest in rows}


def on_pages(session: Session, feed_id: int, pages: Collection[str]) -> dict[str, StoredItem]:
    """What is stored of a feed's entries, by page key."""
    found = select(Item.canonical_url, Item.id, Item.digest).order_by(Item.id)
    rows = session.execute(found.where(Item.feed_id == feed_id, Item.canonical_url.in_(pages)))
    return {page: StoredItem(item_id, digest) for page, item_id, digest in rows}


def add(session: Session, feed_id: int, new: Iterable[NewItem], now: datetime) -> int:
    """Store new items. Returns how many were really new."""
    rows = [
        {
            **_text(item.entry),
            "feed_id": feed_id,
            "key": item.key,
            "digest": item.digest,
            "canonical_url": item.canonical_url,
            "published_at": item.published,
            "first_seen_at": now,
        }
        for item in new
    ]
    return len(insert_new(session, Item, rows, returning=Item.id))


def edit(session: Session, edits: Iterable[ItemEdit], now: datetime) -> None:
    """Take over what a publisher changed; the item waits for its tags again."""
    for change in edits:
        values = {**_text(change.entry), "digest": change.digest, "edited_at": now, "tagged_by": None}
        session.execute(update(Item).where(Item.id == change.item_id).values(**values))


def untagged(session: Session, version: str, limit: int) -> list[Item]:
    """Items whose tags are missing or made by another version, oldest first, with their feeds."""
    waiting = select(Item).where(Item.tagged_by.is_distinct_from(version)).order_by(Item.id).limit(limit)
    items = list(session.scalars(waiting))
    feeds = {feed.id: feed for feed in session.scalars(select(Feed).where(Feed.id.in_({i.feed_id for i in items})))}
    for item in items:
        item.feed = feeds[item.feed_id]
    return items


def count_untagged(session: Session, version: str) -> int:
    """How many items wait for tags by this version."""
    return session.scalar(select(func.count(Item.id)).where(Item.tagged_by.is_distinct_from(version))) or 0


def published_since(session: Session, moment: datetime) -> Iterator[Item]:
    """Items published since, newest first, with their feeds; few are in memory at a time."""
    found = select(Item).options(joinedload(Item.feed)).where(Item.published_at >= moment)
    yield from session.scalars(
        found.order_by(Item.published_at.desc(), Item.id.desc()).execution_options(yield_per=500)
    )


def with_feeds(session: Session, item_ids: Collection[int]) -> list[Item]:
    """These items with their feeds, by id."""
    return list(
        session.scalars(select(Item).options(joinedload(Item.feed)).where(Item.id.in_(item_ids)).order_by(Item.id))
    )


def set_tags(session: Session, tags: Mapping[int, Sequence[TagValue]], version: str) -> None:
    """Replace the rule tags of these items; an editor's stay."""
    ids = list(tags)
    session.execute(delete(Tag).where(Tag.item_id.in_(ids), Tag.source == "rule"))
    rows = [
        {
            "item_id": item_id,
            "topic": tag.topic,
            "score": tag.score,
            "evidence": list(tag.evidence),
            "reason": tag.reason,
            "source": "rule",
        }
        for item_id, values in tags.items()
        for tag in values
    ]
    insert_new(session, Tag, rows)
    session.execute(update(Item).where(Item.id.in_(ids)).values(tagged_by=version))


def waiting(session: Session, version: str) -> bool:
    """Whether an item waits for tags or for its story."""
    found = select(Item.id).where(Item.tagged_by.is_distinct_from(version) | Item.story_id.is_(None)).limit(1)
    return session.scalar(found) is not None


def count_waiting(session: Session, version: str) -> int:
    """How many items wait for tags or for their story."""
    waits = Item.tagged_by.is_distinct_from(version) | Item.story_id.is_(None)
    return session.scalar(select(func.count(Item.id)).where(waits)) or 0


def count_by_feed(session: Session, feed_ids: Collection[int]) -> dict[int, int]:
    """How many items each of the feeds has given us."""
    rows = session.execute(select(Item.feed_id, func.count()).where(Item.feed_id.in_(feed_ids)).group_by(Item.feed_id))
    return {feed_id: count for feed_id, count in rows}  # noqa: C416 - typed rows


def search(session: Session, words: str, topic: str, offset: int, limit: int) -> list[Item]:
    """One page of items, newest first, with their feeds: `words` in the title, and the topic as an editor left it."""
    found = select(Item).options(joinedload(Item.feed))
    if words:
        found = found.where(Item.title.icontains(words, autoescape=True))
    if topic:
        said = select(Tag.item_id).where(Tag.topic == topic)
        found = found.where(
            Item.id.in_(said.where(Tag.score > 0)),
            Item.id.not_in(said.where(Tag.source == "editor", Tag.score <= 0)),
        )
    return list(session.scalars(found.order_by(Item.published_at.desc(), Item.id.desc()).offset(offset).limit(limit)))


def ungrouped(session: Session, limit: int) -> list[Telling]:
    """Items without a story, oldest first."""
    return _tellings(session, Item.story_id.is_(None), limit)


def grouped_between(session: Session, start: datetime, end: datetime) -> list[Telling]:
    """All members of the stories that have an item published between the two moments."""
    return _tellings(
        session, Item.story_id.in_(select(Item.story_id).where(Item.published_at.between(start, end))), None
    )


def grouped_at(session: Session, canonical_urls: Collection[str], most: int) -> list[Telling]:
    """All members of the stories that have one of these addresses, of whatever date: of the `most` newest items at
    each, since a home page may have thousands.
    """
    place = func.row_number().over(partition_by=Item.canonical_url, order_by=(Item.published_at.desc(), Item.id))
    there = select(Item.story_id, place.label("place")).where(
        Item.story_id.is_not(None), Item.canonical_url.in_(canonical_urls)
    )
    found = there.subquery()
    return _tellings(session, Item.story_id.in_(select(found.c.story_id).where(found.c.place <= most)), None)


def set_stories(session: Session, groups: Iterable[Group], now: datetime) -> int:
    """Write a grouping down. Returns how many stories are new."""
    new = 0
    for group in groups:
        story_id = group.story
        if story_id is None:
            story = Story(created_at=now)
            session.add(story)
            session.flush()
            story_id, new = story.id, new + 1
        session.execute(update(Item).where(Item.id.in_(group.items), Item.story_id.is_(None)).values(story_id=story_id))
    return new


def stories_of(session: Session, item_ids: Collection[int]) -> dict[int, list[Telling]]:
    """All members of the stories that these items belong to."""
    stories = select(Item.story_id).where(Item.id.in_(item_ids))
    members: dict[int, list[Telling]] = defaultdict(list)
    for telling in _tellings(session, Item.story_id.in_(stories), None):
        if telling.story is not None:
            members[telling.story].append(telling)
    return members


def set_lead(session: Session, story_id: int, item_id: int) -> None:
    """Make an item lead its story."""
    session.execute(update(Story).where(Story.id == story_id).values(lead_item_id=item_id))


def candidates(session: Session, start: datetime, end: datetime, catalogue: Catalogue) -> list[Candidate]:
    """The stories of a news window that have a tag and are not hidden, each through its leading item."""
    leads = session.execute(
        select(Item, Feed.title, Feed.authority)
        .join(Story, Story.lead_item_id == Item.id)
        .join(Feed, Feed.id == Item.feed_id)
        .where(Item.published_at.between(start, end), Item.state != "hidden")
        .order_by(Item.id)
    ).all()
    tags = tags_of(session, [item.id for item, _, _ in leads])
    others = _other_sources(session, [item.story_id for item, _, _ in leads if item.story_id])
    earlier = retold(session, [item for item, _, _ in leads])
    found = []
    for item, source, authority in leads:
        topics = {tag.topic: tag.score for tag in tags[item.id] if tag.score > 0}
        if item.story_id is None or not (topics or item.state == "pinned"):
            continue
        words = {tag.topic: tuple(tag.evidence) for tag in tags[item.id] if tag.topic in catalogue.skill and tag.score}
        also = tuple(sorted(others[item.story_id] - {source}))
        found.append(
            Candidate(
                item.story_id,
                item.id,
                item.title,
                item.summary,
                item.url,
                source,
                authority,
                item.published_at,
                topics,
                words,
                also,
                item.state == "pinned",
                earlier[item.id],
            )
        )
    return found


def retold(session: Session, leads: Sequence[Item]) -> dict[int, frozenset[int]]:
    """Item id -> the other stories that its feed told before under the same title, the newest of them.

    Each feed's items are gone through once: a join of them with themselves takes their square.
    """
    told: dict[tuple[int, str], list[tuple[datetime, int]]] = defaultdict(list)
    rows = session.execute(
        select(Item.feed_id, Item.title, Item.published_at, Item.story_id).where(
            Item.feed_id.in_({lead.feed_id for lead in leads}),
            Item.title.in_({lead.title for lead in leads} - {""}),
            Item.story_id.is_not(None),
        )
    )
    for feed_id, title, published, story_id in rows:
        told[feed_id, title].append((published, story_id or 0))
    return {lead.id: _before(lead, told[lead.feed_id, lead.title]) for lead in leads}


def tags_of(session: Session, item_ids: Collection[int]) -> dict[int, list[Tag]]:
    """The tags of items, best first, one a topic: an editor's decides over a rule's."""
    rows = session.scalars(select(Tag).where(Tag.item_id.in_(item_ids)).order_by(Tag.score.desc(), Tag.topic))
    by_topic: dict[int, dict[str, Tag]] = defaultdict(dict)
    for tag in rows:
        if tag.source == "editor" or tag.topic not in by_topic[tag.item_id]:
            by_topic[tag.item_id][tag.topic] = tag
    return defaultdict(list, {item_id: list(topics.values()) for item_id, topics in by_topic.items()})


def said_by_editors(session: Session) -> dict[int, dict[str, bool]]:
    """What editors said of single items: item id -> topic -> whether it belongs to it."""
    said: dict[int, dict[str, bool]] = defaultdict(dict)
    words = select(Tag.item_id, Tag.topic, Tag.score).where(Tag.source == "editor").order_by(Tag.id)
    for item_id, topic, score in session.execute(words):
        said[item_id][topic] = score > 0
    return said


def read_between(session: Session, start: datetime, end: datetime) -> tuple[int, int]:
    """How many items, from how many feeds, were published between the two moments."""
    row = session.execute(
        select(func.count(Item.id), func.count(Item.feed_id.distinct())).where(Item.published_at.between(start, end))
    ).one()
    return row[0], row[1]


def topic_counts(session: Session, spans: Iterable[tuple[datetime, datetime]]) -> tuple[dict[str, int], ...]:
    """How many items spoke of each topic in each span of time, from its beginning to just before its end."""
    tagged = select(Tag.topic, func.count(Tag.item_id.distinct())).join(Item, Item.id == Tag.item_id)
    tagged = tagged.where(Tag.score > 0, Item.state != "hidden").group_by(Tag.topic)
    found = (tagged.where(Item.published_at >= start, Item.published_at < end) for start, end in spans)
    return tuple({topic: count for topic, count in session.execute(one)} for one in found)  # noqa: C416 - typed rows


def _tellings(session: Session, condition: ColumnElement[bool], limit: int | None) -> list[Telling]:
    rows = session.execute(
        select(Item, Feed.authority).join(Feed, Feed.id == Item.feed_id).where(condition).order_by(Item.id).limit(limit)
    )
    return [
        Telling(
            item.id,
            item.title,
            item.summary,
            item.canonical_url,
            item.published_at,
            authority,
            item.story_id,
            item.state,
        )
        for item, authority in rows
    ]


def _other_sources(session: Session, story_ids: Collection[int]) -> dict[int, set[str]]:
    rows = session.execute(
        select(Item.story_id, Feed.title).join(Feed, Feed.id == Item.feed_id).where(Item.story_id.in_(story_ids))
    )
    sources: dict[int, set[str]] = defaultdict(set)
    for story_id, title in rows:
        if story_id is not None:
            sources[story_id].add(title)
    return sources


def _before(lead: Item, told: Iterable[tuple[datetime, int]]) -> frozenset[int]:
    earlier = ((published, story) for published, story in told if published < lead.published_at)
    return frozenset(story for _, story in nlargest(MOST_RETOLD, earlier) if story != lead.story_id)


def _text(entry: Entry) -> dict[str, object]:
    return {"url": entry.url, "title": entry.title, "summary": entry.summary, "authors": list(entry.authors)}
