from catalogue_samples import SKILLS, catalogue, with_first_week


def test_topics_are_roles_specializations_and_skills():
    made = catalogue()
    assert made.topic_names == {
        "engineer": "Engineer",
        "serving": "Serving",
        "vllm": "vLLM",
        "kv-cache": "KV cache",
        "communication": "Communication",
    }
    assert made.role_of["serving"].id == "engineer"


def test_the_version_changes_with_skills_and_plans_and_not_with_feeds():
    made = catalogue()
    assert made.version == catalogue(feeds=()).version
    assert made.version != catalogue(skills=SKILLS[::-1]).version
    assert made.version != with_first_week(goal="Another").version
