"""The use cases, one public verb a step: decide with the domain, do with store and adapters. None of them enqueues."""
