/// The tables of an atlas. The file is SQLite, so that anything that reads SQLite reads it.
///
/// All numbers in blobs are little-endian. A change that older programs cannot read raises `version`.
package enum AtlasSchema {
    /// SQLite's `application_id`: says that a file is an atlas. "PrAt".
    package static let applicationID: Int32 = 0x5072_4174
    /// SQLite's `user_version`.
    package static let version: Int32 = 2

    static let tables = """
        -- What the run was: key 'run' holds a RunSummary as JSON, 'tokens' the number of tokens read.
        CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

        -- Where text comes from, with the number of tokens that were read and had latents.
        CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, tokens INTEGER NOT NULL DEFAULT 0);

        -- Documents that some example lies in.
        CREATE TABLE documents (
            id INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES sources, title TEXT NOT NULL);

        -- Contexts that some example lies in. tokens: Int32 token ids, one per position.
        CREATE TABLE contexts (
            id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents, tokens BLOB NOT NULL);

        -- One row per latent. density: firings / tokens. mean: of the firings.
        -- histogram: 16 Int64 counts of firings, bin b for activations in [b, b + 1) · bin_width.
        CREATE TABLE latents (
            id INTEGER PRIMARY KEY, firings INTEGER NOT NULL, density REAL NOT NULL, max REAL NOT NULL, mean REAL NOT NULL,
            histogram BLOB NOT NULL, bin_width REAL NOT NULL, decoder_norm REAL, encoder_bias REAL);

        -- Firings of a latent per source; no row where there are none.
        CREATE TABLE latent_sources (
            latent INTEGER NOT NULL, source INTEGER NOT NULL, firings INTEGER NOT NULL,
            PRIMARY KEY (latent, source)) WITHOUT ROWID;

        -- Firings worth showing. kind 0: the strongest, at most one per context, interval -1, rank 0 the strongest.
        -- kind 1: drawn uniformly from the firings in interval i, activations in [2i, 2i + 2) · bin_width.
        -- token: the one at position. trace: all firings of the latent in the context, (Int32 position, Float32 value) pairs.
        CREATE TABLE examples (
            latent INTEGER NOT NULL, kind INTEGER NOT NULL, interval INTEGER NOT NULL, rank INTEGER NOT NULL,
            context INTEGER NOT NULL REFERENCES contexts, position INTEGER NOT NULL, token INTEGER NOT NULL,
            value REAL NOT NULL, trace BLOB NOT NULL,
            PRIMARY KEY (latent, kind, interval, rank)) WITHOUT ROWID;

        -- Tokens whose logit a latent moves most. direction 1: up, -1: down; rank 0 moves most.
        CREATE TABLE logit_effects (
            latent INTEGER NOT NULL, direction INTEGER NOT NULL, rank INTEGER NOT NULL, token INTEGER NOT NULL,
            value REAL NOT NULL,
            PRIMARY KEY (latent, direction, rank)) WITHOUT ROWID;

        -- Latents with the largest decoder cosine; rank 0 is nearest.
        CREATE TABLE neighbours (
            latent INTEGER NOT NULL, rank INTEGER NOT NULL, other INTEGER NOT NULL, cosine REAL NOT NULL,
            PRIMARY KEY (latent, rank)) WITHOUT ROWID;

        -- The vocabulary. bytes: what a token stands for, UTF-8 that may hold a part of a character. text: as shown, with
        -- \\xE2 for a byte of no character. folded: text trimmed and in lower case, for search.
        CREATE TABLE tokens (
            id INTEGER PRIMARY KEY, bytes BLOB NOT NULL, text TEXT NOT NULL, folded TEXT NOT NULL);
        """

    /// Made when the tables are full.
    static let indices = """
        CREATE INDEX examples_token ON examples (token) WHERE kind = 0;
        CREATE INDEX logit_effects_token ON logit_effects (token) WHERE direction = 1;
        """
}
