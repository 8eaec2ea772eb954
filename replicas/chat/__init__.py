"""Chat with a deployed component: prompts, request bodies, streamed answers. Calls AWS."""
