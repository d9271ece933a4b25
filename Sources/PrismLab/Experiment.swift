import PrismAtlas
import PrismCore

/// A phenomenon of superposition as something to run: what was published, what follows from theory, what comes out here.
///
/// To add one: a file in `Experiments` that declares a `static let` in an extension of `Experiment`, and its name in `all`.
public struct Experiment: Sendable {
    /// What `prism lab run` calls it, for example "pentagon".
    public let name: String
    public let title: String
    public let topic: Topic
    /// One paragraph: the setting, what is to be seen and why.
    public let explanation: String
    /// Author and year, where it was published or derived.
    public let source: String
    /// How long it takes on two cores of a machine of 2021, for the time left of many; seconds.
    public let expectedSeconds: Double
    let body: @Sendable (Lab) throws -> Findings

    init(
        _ name: String, title: String, topic: Topic, source: String, expectedSeconds: Double, explanation: String,
        body: @escaping @Sendable (Lab) throws -> Findings
    ) {
        self.name = name
        self.title = title
        self.topic = topic
        self.source = source
        self.expectedSeconds = expectedSeconds
        self.explanation = explanation
        self.body = body
    }

    public enum Topic: String, Codable, CaseIterable, Sendable {
        case toyModels = "Toy models of superposition"
        case capacity = "Capacity and scaling"
        case codes = "Codes and decoders"
        case recovery = "Recovery by dictionaries"
        case design = "Superposition on purpose"
    }

    /// - Throws: `PrismError.interrupted` after Ctrl-C.
    public func run(in lab: Lab) throws -> Findings { try body(lab) }

    /// - Throws: `PrismError.usage` that suggests the nearest name.
    public static func named(_ name: String) throws -> Experiment {
        if let experiment = all.first(where: { $0.name == name }) { return experiment }
        let nearest = name.nearest(among: all.map(\.name))
        throw PrismError.usage(
            "there is no experiment ‘\(name)’; the nearest name is ‘\(nearest)’, and `prism lab list` shows all")
    }
}

/// What an experiment found.
public struct Findings: Sendable {
    public var claims: [Claim]
    /// Figures, tables and text, in the order of a report.
    public var parts: [ReportSection.Part]

    public init(claims: [Claim], parts: [ReportSection.Part]) {
        self.claims = claims
        self.parts = parts
    }
}

/// One published number, or one that follows from theory, beside what came out: a row of the table that
/// `prism lab reproduce` prints. The criterion comes from what was published or derived; a claim that fails is shown as failed.
public struct Claim: Codable, Hashable, Sendable {
    /// What is claimed, for example "five features form a pentagon".
    public var phenomenon: String
    /// The published number, or nil where none was.
    public var published: String?
    /// What follows from theory, where something does.
    public var closedForm: String?
    /// The number found, for people, for example "0.398 (0.396–0.401)".
    public var got: String
    /// The number for each seed, or for each setting where `got` says so.
    public var values: [Double]
    /// What decides, for example "|D − 0.4| < 0.02".
    public var criterion: String
    public var holds: Bool

    public init(
        _ phenomenon: String, published: String? = nil, closedForm: String? = nil, got: String, values: [Double],
        criterion: String, holds: Bool
    ) {
        self.phenomenon = phenomenon
        self.published = published
        self.closedForm = closedForm
        self.got = got
        self.values = values
        self.criterion = criterion
        self.holds = holds
    }

    /// A number with its spread over seeds: the median, with least and largest; it holds if `holds` is true of the median.
    public init(
        _ phenomenon: String, published: String? = nil, closedForm: String? = nil, spread values: [Double],
        digits: Int = 3, criterion: String, holds: (Double) -> Bool
    ) {
        let median = values.median
        var got = Self.text(median, digits)
        if values.count > 1 { got += " (\(Self.text(values.min()!, digits)) to \(Self.text(values.max()!, digits)))" }
        self.init(
            phenomenon, published: published, closedForm: closedForm, got: got, values: values, criterion: criterion,
            holds: holds(median))
    }

    /// A number in `digits` significant digits.
    static func text(_ value: Double, _ digits: Int) -> String {
        let text =
            value != 0 && abs(value) < 1e-4
            ? String(format: "%.\(digits)g", value)
            : value.formatted(.number.precision(.significantDigits(1...digits)).grouping(.never))
        return text.replacing("-", with: "−")
    }
}
