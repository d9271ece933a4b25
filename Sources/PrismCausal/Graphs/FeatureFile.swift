import PrismAtlas
import PrismModels

/// What a latent means, as circuit-tracer's front end shows it beside a graph: `{scan}/{feature number}.json`.
public struct FeatureFile: Codable, Hashable, Sendable {
    public struct Examples: Codable, Hashable, Sendable {
        var name: String
        var examples: [Example]

        enum CodingKeys: String, CodingKey {
            case examples
            case name = "quantile_name"
        }
    }

    public struct Example: Codable, Hashable, Sendable {
        var tokens: [String]
        var activations: [Float]
        /// Which of the tokens the example is about.
        var place: Int
        var isRepeated = false

        enum CodingKeys: String, CodingKey {
            case tokens
            case activations = "tokens_acts_list"
            case place = "train_token_ind"
            case isRepeated = "is_repeated_datapoint"
        }
    }

    var transcoder: String
    var latent: Int
    var examples: [Examples]
    var promoted, suppressed: [String]
    var least: Float = 0
    var most: Float
    /// Firings in bins of equal width from 0 to the maximum.
    var histogram: [Int]
    var density: Double

    enum CodingKeys: String, CodingKey {
        case histogram
        case transcoder = "transcoder_id"
        case latent = "index"
        case examples = "examples_quantiles"
        case promoted = "top_logits"
        case suppressed = "bottom_logits"
        case least = "act_min"
        case most = "act_max"
        case density = "activation_frequency"
    }

    /// Tokens shown before and after the one an example is about.
    private static let (before, after) = (20, 11)

    public init(_ page: LatentPage, transcoder: String, tokenizer: Tokenizer) {
        func example(_ example: LatentExample) -> Example {
            let first = max(0, example.position - Self.before)
            let shown = first..<min(example.tokens.count, example.position + Self.after + 1)
            var activations = [Float](repeating: 0, count: shown.count)
            for firing in example.trace where shown.contains(Int(firing.position)) {
                activations[Int(firing.position) - first] = firing.value
            }
            return Example(
                tokens: shown.map { tokenizer.text(of: example.tokens[$0]) }, activations: activations,
                place: example.position - first)
        }
        self.transcoder = transcoder
        latent = page.latent.id
        examples =
            [Examples(name: "Top", examples: page.top.prefix(10).map(example))]
            + page.intervals.reversed().filter { !$0.examples.isEmpty }.map { interval in
                Examples(
                    name: "From \(interval.lower) to \(interval.upper)",
                    examples: interval.examples.prefix(3).map(example))
            }
        promoted = page.effects.promoted.map { tokenizer.text(of: $0.token) }
        suppressed = page.effects.suppressed.map { tokenizer.text(of: $0.token) }
        most = page.latent.max
        let bins = page.latent.binWidth > 0 ? Int(Double(most) / page.latent.binWidth) + 1 : 0
        histogram = Array(page.latent.histogram.prefix(bins))
        density = page.latent.density
    }
}

extension LatentPage {
    /// A name in a graph: what its strongest examples fire on, and what it pushes up directly.
    package func label(_ tokenizer: Tokenizer) -> String {
        func list(_ tokens: some Sequence<Int32>) -> String {
            tokens.map { "“\(tokenizer.text(of: $0))”" }.joined(separator: " ")
        }
        var counts: [Int32: Int] = [:]
        for example in top { counts[example.token, default: 0] += 1 }
        let fires = counts.keys.sorted { (-counts[$0]!, $0) < (-counts[$1]!, $1) }.prefix(2)
        return list(fires) + " → " + list(effects.promoted.prefix(2).map(\.token))
    }
}
