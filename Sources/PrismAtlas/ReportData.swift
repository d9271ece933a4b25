import Foundation
import PrismCore

/// The latents of a report as compact JSON.
///
/// Text is held once: `segments` are the stretches of contexts that some example shows, joined where they overlap; an
/// example is a segment's number, an offset and a length. Tokens are numbers in the report's own vocabulary, ordered by
/// use so that frequent tokens have short numbers. Latents and segments come in blocks, each a script element of its own,
/// which the page parses when it needs them. All lists of whole numbers are `PackedIntegers`.
struct ReportData {
    static let latentsPerBlock = 64
    static let segmentsPerBlock = 256

    /// What the table of latents needs.
    struct Index: Encodable {
        var latentsPerBlock = ReportData.latentsPerBlock
        var segmentsPerBlock = ReportData.segmentsPerBlock
        var steps = PackedIntegers.steps
        /// Tokens by number, and their ids in the model.
        var vocabulary: [ReportVocabulary.Entry] = []
        var tokenIDs = ""
        /// Texts that several tokens make, none of them alone; their numbers go on from the vocabulary's.
        var characters: [String] = []
        var sources: [String] = []
        var sourceTokens: [Int] = []
        /// Per document: source, title.
        var documentSources = ""
        var documentTitles: [String] = []
        /// By latent.
        var firings = ""
        var maxima: [Double] = []
        /// Number of the source that stands out most + 1, 0 if none; its lift in hundredths.
        var topSources = ""
        var lifts = ""
        /// What the top examples fire on, in most of them first: tokens, or characters where tokens are parts of them.
        var topTokens: [String] = []
        var promoted: [String] = []
    }

    struct Latent: Encodable {
        var mean: Double
        var norm: Double?
        var bias: Double?
        var binWidth: Double
        var histogram: String
        /// Examples: segment, offset, length, index of the token in question, number of activations, then for each its
        /// distance from the one before and its value as `PackedIntegers.steps` says.
        var top: String
        /// One string per interval.
        var intervals: [String]
        /// Of the tokens in the index.
        var promotedValues: [Double]
        var suppressed: String
        var suppressedValues: [Double]
        var neighbours: String
        var cosines: [Double]
        /// Firings per source.
        var sources: String
        /// What it does to predictions, where that was measured.
        var effect: LatentEffect?
    }

    struct Segment: Encodable {
        /// Place in the list of documents.
        let document: Int
        /// Whether the context goes on before and after.
        let cut: Int
        let tokens: String

        func encode(to encoder: Encoder) throws {
            var container = encoder.unkeyedContainer()
            try container.encode(document)
            try container.encode(cut)
            try container.encode(tokens)
        }
    }

    private(set) var index = Index()
    private(set) var latentBlocks: [[Latent]] = []
    private(set) var segmentBlocks: [[Segment]] = []

    init(atlas: Atlas, latents: [LatentSummary], options: Report.Options) throws {
        var examples = [[Atlas.ExampleRow]](repeating: [], count: latents.count)
        try atlas.forEachExample(top: options.topExamples, perInterval: options.intervalExamples) {
            examples[$0.latent].append($0)
        }
        let segments = try ReportSegments(atlas: atlas, examples: examples, options: options)
        let effects = try atlas.allLogitEffects(latents: latents.count)
        let neighbours = try atlas.allNeighbours(latents: latents.count)
        var vocabulary = try ReportVocabulary(atlas: atlas, segments: segments, effects: effects, examples: examples)

        let documents = try atlas.documents()
        let documentPlaces = Dictionary(uniqueKeysWithValues: documents.enumerated().map { ($1.id, $0) })
        let sources = try atlas.sources()
        let firings = try atlas.sourceFirings(latents: latents.count, sources: sources.count)
        index.vocabulary = vocabulary.entries
        index.tokenIDs = PackedIntegers.string(vocabulary.tokens.map(Int.init))
        index.sources = sources.map(\.name)
        index.sourceTokens = sources.map(\.tokens)
        index.documentSources = PackedIntegers.string(documents.map(\.source))
        index.documentTitles = documents.map(\.title)
        index.firings = PackedIntegers.string(latents.map(\.firings))
        index.maxima = latents.map { ReportSections.rounded(Double($0.max), digits: 6) }
        let standouts = firings.map { Self.standout($0, sources: sources) }
        index.topSources = PackedIntegers.string(standouts.map(\.source))
        index.lifts = PackedIntegers.string(standouts.map(\.lift))
        index.topTokens = examples.map { PackedIntegers.string(Self.topTokens($0, &vocabulary, segments)) }
        index.characters = vocabulary.characters
        index.promoted = effects.map { PackedIntegers.string($0.promoted.map { vocabulary.numbers[$0.token]! }) }

        segmentBlocks = segments.all.map {
            Segment(
                document: documentPlaces[$0.document]!, cut: $0.cut,
                tokens: PackedIntegers.string($0.tokens.map { vocabulary.numbers[$0]! }))
        }.blocks(of: Self.segmentsPerBlock)

        let consequences = try atlas.effects()
        latentBlocks = latents.map { latent in
            func packed(_ interval: Int) -> String {
                PackedIntegers.string(
                    examples[latent.id].filter { $0.interval == interval }.flatMap {
                        Self.numbers($0, max: latent.max, segments: segments, options: options)
                    })
            }
            let effect = effects[latent.id]
            return Latent(
                mean: Self.rounded(latent.mean), norm: latent.decoderNorm.map { Self.rounded(Double($0)) },
                bias: latent.encoderBias.map { Self.rounded(Double($0)) }, binWidth: latent.binWidth,
                histogram: PackedIntegers.string(latent.histogram), top: packed(-1),
                intervals: LatentInterval.ranges(of: latent).map { packed($0.index) },
                promotedValues: effect.promoted.map { Self.rounded(Double($0.value)) },
                suppressed: PackedIntegers.string(effect.suppressed.map { vocabulary.numbers[$0.token]! }),
                suppressedValues: effect.suppressed.map { Self.rounded(Double($0.value)) },
                neighbours: PackedIntegers.string(neighbours[latent.id].map(\.latent)),
                cosines: neighbours[latent.id].map { Self.rounded(Double($0.cosine)) },
                sources: PackedIntegers.string(firings[latent.id]), effect: consequences[latent.id])
        }.blocks(of: Self.latentsPerBlock)
    }

    private static func rounded(_ value: Double) -> Double { ReportSections.rounded(value, digits: 4) }

    private static func numbers(
        _ example: Atlas.ExampleRow, max: Float, segments: ReportSegments, options: Report.Options
    ) -> [Int] {
        let (segment, offset, window) = segments.place(of: example)
        let shown = example.trace.filter { window.contains(Int($0.position)) }
        var numbers = [segment, offset, window.count, example.position - window.lowerBound, shown.count]
        var last = window.lowerBound
        for activation in shown {
            let decades = log10(Double(activation.value) / Double(max))
            let step = (1 + decades / 6) * Double(PackedIntegers.steps)
            numbers += [Int(activation.position) - last, Swift.max(0, Int(step.rounded()))]
            last = Int(activation.position)
        }
        return numbers
    }

    /// The source that a latent's firings tell most about: that with the largest p log(p/q), p its share of the firings
    /// and q of the tokens. A lift alone would favour rare sources with a handful of firings.
    private static func standout(_ firings: [Int], sources: [AtlasSource]) -> (source: Int, lift: Int) {
        let total = Double(firings.reduce(0, +))
        let tokens = Double(sources.reduce(0) { $0 + $1.tokens })
        var best = (source: 0, lift: 0, gain: 0.0)
        for (source, count) in firings.enumerated() where count > 0 {
            let p = Double(count) / total
            let lift = p / (Double(sources[source].tokens) / tokens)
            let gain = p * log(lift)
            if best.source == 0 || gain > best.gain { best = (source + 1, Int((lift * 100).rounded()), gain) }
        }
        return (best.source, best.lift)
    }

    private static func topTokens(
        _ examples: [Atlas.ExampleRow], _ vocabulary: inout ReportVocabulary, _ segments: ReportSegments
    ) -> [Int] {
        var counts: [Int: Int] = [:]
        var order: [Int] = []
        for example in examples where example.interval < 0 {
            let number = vocabulary.number(of: example, in: segments)
            if counts[number] == nil { order.append(number) }
            counts[number, default: 0] += 1
        }
        // Strongest first among those that are equally frequent: the order they came in.
        return order.enumerated()
            .sorted { (-counts[$0.element]!, $0.offset) < (-counts[$1.element]!, $1.offset) }.map(\.element)
    }
}

extension Array {
    func blocks(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
