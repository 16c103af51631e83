-- Experiments that are given more or less of something (Hyperband and its kin).
ALTER TABLE experiment ADD COLUMN resource INTEGER;     -- such as epochs; NULL: the algorithm has none
ALTER TABLE experiment ADD COLUMN parent   INTEGER;     -- experiment whose point this runs again, with more; NULL: none
-- Experiments that are stopped because others were better at the same step.
ALTER TABLE experiment ADD COLUMN stopped_early INTEGER NOT NULL DEFAULT 0;
