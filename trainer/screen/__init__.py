"""The window: case list, briefing, angiography suite, debrief. Draws Frames and knows no physics."""
