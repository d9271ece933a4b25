import Foundation
import PrismActivations
import PrismAtlas
import PrismCausal
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// A model, with one of its dictionaries where a run is named, opened to be asked about directions.
package struct DirectionMeasurement: Sendable {
    private let model: Transformer
    private let tokenizer: Tokenizer
    private let latents: (placed: PlacedDictionary, atlas: Atlas)?
    private let workers: Workers

    /// - subject: a run's folder, `folder:dictionary` for one of several, or a model.
    /// - Throws: `PrismError` if it cannot be read, the model has changed since the run, or the run has none.
    package init(_ subject: String, workers: Workers) throws {
        self.workers = workers
        let opened = try CausalSubject([subject])
        (model, tokenizer) = (opened.model, opened.tokenizer)
        latents = try opened.members.first.map { member in
            (try opened.dictionaries.named(nil), try Atlas(member!.atlas))
        }
    }

    /// A token or a latent, with its cosine with a direction.
    package struct Named: Encodable, Sendable {
        package let row: Int
        /// The token's text; of a latent the tokens that it is most active on.
        package let name: String
        package let cosine: Float
    }

    // MARK: Words

    /// The tokens nearest to a word's.
    package func nearest(
        toWord word: String, in space: VocabularySpace, isCentred: Bool, count: Int
    ) throws -> [Named] {
        let (row, directions) = (try row(of: word), directions(space, isCentred))
        return named(directions.nearest(to: directions.sum([(1, row)]), count: count, excluding: [row]))
    }

    /// The tokens nearest to V(b) + V(a*) − V(a), and what the controls answer.
    package func analogy(
        a: String, aStar: String, b: String, in space: VocabularySpace, isCentred: Bool, count: Int
    ) throws -> [AnalogyMethod: [Named]] {
        let question = Analogy(a: try row(of: a), aStar: try row(of: aStar), b: try row(of: b))
        let directions = directions(space, isCentred)
        return Dictionary(
            uniqueKeysWithValues: AnalogyMethod.allCases.map { method in
                let direction = method.direction(question, in: directions)
                return (
                    method, named(directions.nearest(to: direction, count: count, excluding: method.excluded(question)))
                )
            })
    }

    /// The score of a file of analogies, by category and of all.
    package func scores(onAnalogiesIn file: URL, in space: VocabularySpace, isCentred: Bool) throws -> [AnalogyScore] {
        let set = try AnalogySet(file)
        return directions(space, isCentred).scores(on: set, workers: workers) { try? row(of: $0) }
    }

    /// Where a word falls on an axis.
    package struct Projection: Encodable, Sendable {
        package let word: String
        package let cosine: Float
        /// Share of all tokens that fall further to the axis's beginning.
        package let share: Double
    }

    /// Where words fall on the axis V(end) − V(beginning), from its beginning to its end. Its two poles are among them.
    package func projections(
        of words: [String], from beginning: String, to end: String, in space: VocabularySpace, isCentred: Bool
    ) throws -> [Projection] {
        let all = [beginning, end] + words
        let rows = try all.map(row)
        let directions = directions(space, isCentred)
        let cosines = directions.cosines(of: directions.sum([(-1, rows[0]), (1, rows[1])]), workers: workers).values
        return zip(all, rows).map { word, row in
            let below = cosines.count { $0 < cosines[row] }
            return Projection(word: word, cosine: cosines[row], share: Double(below) / Double(cosines.count))
        }.sorted { $0.cosine < $1.cosine }
    }

    private func row(of word: String) throws -> Int { Int(try tokenizer.token(ofWord: word)) }

    private func directions(_ space: VocabularySpace, _ isCentred: Bool) -> DirectionSpace {
        DirectionSpace(model.directions(of: space, workers: workers), isCentred: isCentred)
    }

    private func named(_ neighbours: [DirectionSpace.Neighbour]) -> [Named] {
        neighbours.map { Named(row: $0.row, name: name(ofToken: Int32($0.row)), cosine: $0.cosine) }
    }

    /// Its text, on one line.
    private func name(ofToken token: Int32) -> String { tokenizer.text(of: token).replacing("\n", with: "\\n") }

    // MARK: Concepts

    /// How near to orthogonal the concepts are that a file of analogies names by its categories: the differences of means
    /// of their pairs' sides.
    /// - hook: nil for the tokens' own directions in `space`; else the activations there, where a word may be several tokens.
    /// - Throws: `PrismError.usage` if fewer than two categories have two pairs left.
    package func geometry(
        ofConceptsIn file: URL, in space: VocabularySpace, at hook: HookPoint?, seed: UInt64
    ) throws -> ConceptGeometry {
        let categories = try AnalogySet(file).categories
        let words = Array(Set(categories.flatMap { $0.pairs.joined() })).sorted()
        let (rows, places) = try hook.map { try activations(of: words, at: $0) } ?? tokens(of: words, in: space)
        let concepts = categories.map { category in
            let pairs = category.pairs.map { $0.compactMap { places[$0] } }.filter { $0.count == 2 }
            let sides = [0, 1].map { side in rows.gathered(pairs.map { $0[side] }) }
            return (name: category.name, from: sides[0], to: sides[1])
        }.filter { $0.from.rowCount > 1 }
        guard concepts.count > 1 else {
            throw PrismError.usage(
                "\(concepts.count) categories of \(file.path) have two usable pairs of words, and two are needed; "
                    + "words must be single tokens, unless --hook takes their activations")
        }
        return ConceptGeometry(concepts, seed: seed)
    }

    /// Tokens' directions, and which row is a word's; words of several tokens have none.
    private func tokens(of words: [String], in space: VocabularySpace) -> (Tensor, [String: Int]) {
        let places = words.compactMap { word in (try? row(of: word)).map { (word, $0) } }
        return (model.directions(of: space, workers: workers), Dictionary(uniqueKeysWithValues: places))
    }

    /// Words' activations behind the same few words, and which row is a word's. At a text's very beginning many words are
    /// attention sinks, some more and some less, and their differences would tell of nothing else.
    private func activations(of words: [String], at hook: HookPoint) throws -> (Tensor, [String: Int]) {
        let texts = words.map { "This is the word \($0)" }
        let rows = try model.lastActivations(of: texts, at: [hook], tokenizer, workers: workers)[hook]!
        return (rows, Dictionary(uniqueKeysWithValues: zip(words, words.indices)))
    }

    // MARK: Latents

    package var hasLatents: Bool { latents != nil }

    /// The latents whose decoder rows are nearest to one's own.
    package func nearest(toLatent latent: Int, count: Int) throws -> [Named] {
        let decoder = try requireLatents().placed.dictionary.decoder
        guard (0..<decoder.rowCount).contains(latent) else {
            throw PrismError.usage(
                "there is no latent \(latent); the dictionary has \(decoder.rowCount), numbered from 0")
        }
        let space = DirectionSpace(decoder, isCentred: false)
        return try space.nearest(to: space.sum([(1, latent)]), count: count, excluding: [latent]).map {
            Named(row: $0.row, name: try name(ofLatent: $0.row), cosine: $0.cosine)
        }
    }

    /// Which latents compose the direction from texts without a concept to texts with it. Texts that end in an attention
    /// sink are left out, as they were in the dictionary's training.
    /// - count: the most latents.
    /// - Returns: the direction as well, [1, width where the dictionary writes].
    package func decomposition(
        positive: [String], negative: [String], count: Int, seed: UInt64
    ) throws -> (DirectionDecomposition, direction: Tensor) {
        let latents = try requireLatents()
        let (reads, writes) = (latents.placed.reads, latents.placed.writes)
        let hooks = latents.placed.isAutoencoder ? [reads] : [reads, writes]
        let sides = try [positive, negative].map { texts in
            let found = try model.lastActivations(of: texts, at: hooks, tokenizer, workers: workers)
            let usable = texts.indices.filter { latents.placed.sinks?.contains(found[reads]![$0]) != true }
            guard !usable.isEmpty else {
                throw PrismError.usage(
                    "a side of the difference has no text that does not end in an attention sink; give more with --positive and --negative"
                )
            }
            return found.mapValues { $0.gathered(usable) }
        }
        let written = MeanDifference(positive: sides[0][writes]!, negative: sides[1][writes]!)
        let found = try DirectionDecomposition(
            by: latents.placed.dictionary, reads: (sides[0][reads]!, sides[1][reads]!),
            writes: (written.positive, written.negative), count: count, seed: seed, workers: workers)
        return (found, written.direction)
    }

    /// What a latent is most active on: the tokens of its strongest examples.
    package func name(ofLatent latent: Int) throws -> String {
        var names: [String] = []
        for example in try requireLatents().atlas.latent(latent).top where names.count < 4 {
            let name = "‘\(name(ofToken: example.token))’"
            if !names.contains(name) { names.append(name) }
        }
        return names.joined(separator: " ")
    }

    private func requireLatents() throws -> (placed: PlacedDictionary, atlas: Atlas) {
        guard let latents else {
            throw PrismError.usage("a model alone has no latents; name a run that `prism discover` made")
        }
        return latents
    }
}
