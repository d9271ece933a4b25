import PrismAtlas
import PrismCore
import PrismTensor

extension Experiment {
    static let codes = Experiment(
        "codes", title: "The gap of the code and the gap of the decoder", topic: .codes,
        source: "measured here; Tropp 2004 for the guarantee", expectedSeconds: 15,
        explanation: """
            120 features are written into 35 numbers and read again. What is lost can lie with the code (the directions) or \
            with the decoder. So each code, random, of optimised coherence, equiangular (a Steiner frame, μ = 1/7) and learned \
            (the embeddings of a toy model with four active features on average, brought to length one), is read by each \
            decoder: one ReLU layer (by far the worst: among the others the code matters as much), as a network's next layer is, fitted to codes of the same sparsity; non-negative least \
            squares; orthogonal matching pursuit, which alone is told how many features are active; FISTA with a small L1 \
            penalty; and basis pursuit, its limit without one, for which Donoho and Tanner's border is drawn. Each point is \
            200 codes with activities from 0 to 1. A support counts as found if the k active features are the k largest ones \
            read. What separates lines within a figure is the gap of the code; what separates figures, the gap of the decoder. \
            The learned code's largest products are negative: as activities never are, only positive ones mislead, and \
            those are about as small as in the best codes.
            """
    ) { lab in
        let contenders = try Contender.all(lab)
        let actives = [1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20]
        var curves: [CodeDecoder: [(name: String, points: [Reading])]] = [:]
        for decoder in CodeDecoder.allCases {
            for contender in contenders {
                let points = try actives.map { active in
                    try Interrupt.check()
                    return Reading(contender.code, decoder, active: active, lab)
                }
                curves[decoder, default: []].append((contender.name, points))
            }
        }
        func chart(
            _ decoder: CodeDecoder, _ y: String, theory: [Chart.Series] = [], _ value: (Reading) -> Double
        ) -> ReportSection.Part {
            Chart.lines(
                "\(y.prefix { $0 != " " }.capitalized), read by \(decoder.rawValue)", x: .init("active features"),
                y: .init(y, domain: 0...1),
                curves[decoder]!.map { curve in
                    .init(name: curve.name, points: curve.points.map { (Double($0.active), value($0)) })
                } + theory)
        }
        let border = Chart.Series(
            name: "Donoho–Tanner", points: [(Contender.border, 0), (Contender.border, 1)], isTheory: true)
        /// Active features at which half of the supports are found.
        let capacity = CodeDecoder.allCases.map { decoder in
            curves[decoder]!.map { curve in
                LogisticFit(curve.points.map { (Double($0.active), $0.supports, Reading.count) }).midpoint
            }
        }
        return Findings(
            claims: claims(capacity, contenders, curves),
            parts: [
                .table(
                    columns: ["active features at 50% of supports"] + contenders.map(\.name),
                    rows: zip(CodeDecoder.allCases, capacity).map { [$0.rawValue] + $1.map { Claim.text($0, 3) } }
                        + [
                            ["coherence μ"] + contenders.map { Claim.text($0.code.coherence, 3) },
                            ["largest positive product"] + contenders.map { Claim.text($0.code.largestProduct, 3) },
                        ])
            ]
                + CodeDecoder.allCases.map { chart($0, "error ‖z − ẑ‖² / ‖z‖²") { min(1, $0.error) } }
                + CodeDecoder.allCases.map {
                    chart($0, "supports found", theory: $0 == .basisPursuit ? [border] : []) {
                        Double($0.supports) / Double(Reading.count)
                    }
                })
    }

    /// - capacity: for each decoder and code.
    private static func claims(
        _ capacity: [[Double]], _ contenders: [Contender], _ curves: [CodeDecoder: [(name: String, points: [Reading])]]
    ) -> [Claim] {
        let equiangular = contenders.firstIndex { $0.name == "equiangular" }!
        let guaranteed = curves[.orthogonalMatchingPursuit]![equiangular].points.filter { $0.active <= 3 }.map(
            \.supports)
        let random = capacity[CodeDecoder.allCases.firstIndex(of: .basisPursuit)!][
            contenders.firstIndex { $0.name == "random" }!]
        func range(_ values: [Double]) -> Double { values.max()! - values.min()! }
        let codeGaps = capacity.map(range)
        let decoderGaps = contenders.indices.map { code in range(capacity.map { $0[code] }) }
        return [
            Claim(
                "OMP reads the equiangular code without fault below ½ (1 + 1/μ) = 4 active features",
                closedForm: "100%",
                got: "\(guaranteed.reduce(0, +)) of \(guaranteed.count * Reading.count)",
                values: guaranteed.map(Double.init),
                criterion: "all supports found", holds: guaranteed.allSatisfy { $0 == Reading.count }),
            Claim(
                "basis pursuit reads the random code up to Donoho and Tanner's border",
                closedForm: Claim.text(Contender.border, 3), spread: [random],
                criterion: "half of the supports found within 15% of ρ(35/120) · 35"
            ) { abs($0 / Contender.border - 1) <= 0.15 },
            Claim(
                "one ReLU layer as the decoder loses more than any code: the gap of decoders is above that of codes",
                got:
                    "between decoders \(Claim.text(decoderGaps.min()!, 2)) or more active features, between codes \(Claim.text(codeGaps.max()!, 2)) at most",
                values: decoderGaps + codeGaps, criterion: "least gap of decoders > largest gap of codes",
                holds: decoderGaps.min()! > codeGaps.max()!),
        ]
    }
}

/// A code that takes part.
private struct Contender {
    static let (features, hidden) = (120, 35)
    /// The active features that basis pursuit finds with half of many random codes, ρ(m/n) m.
    static let border =
        PhaseTransition.sparsity(atUndersampling: Double(hidden) / Double(features), signed: false) * Double(hidden)
    let name: String
    let code: Code

    static func all(_ lab: Lab) throws -> [Contender] {
        var learning = ToyConfiguration(
            FeatureDistribution(count: features, density: [4 / Float(features)]), hidden: hidden)
        learning.seed = lab.seed
        let learned = try lab.train([learning])[0].model
        var generator = SeededGenerator(seed: lab.seed, stream: "codes")
        return [
            .init(name: "random", code: .gaussian(features: features, hidden: hidden, &generator)),
            .init(name: "optimised", code: .optimised(features: features, hidden: hidden, &generator)),
            .init(name: "equiangular", code: .equiangular(features: features, hidden: hidden)!),
            .init(name: "learned", code: Code(DoubleMatrix(learned.embeddings))),
        ]
    }
}

/// What a decoder makes of one code at one sparsity.
private struct Reading {
    static let count = 200
    let active: Int
    let error: Double
    /// How many of `count`.
    let supports: Int

    init(_ code: Code, _ decoder: CodeDecoder, active: Int, _ lab: Lab) {
        self.active = active
        // The same signals for all codes and decoders.
        func signals(_ count: Int, _ stream: String) -> SparseSignals {
            var generator = SeededGenerator(seed: lab.seed, stream: "codes/\(stream)/\(active)")
            return SparseSignals(count, features: code.featureCount, active: active, signed: false, &generator)
        }
        let test = signals(Self.count, "test")
        let found = decoder.decode(test, of: code, training: signals(4000, "training"), workers: lab.workers)
        error = test.error(of: found)
        supports = Int((test.supportsFound(in: found) * Double(Self.count)).rounded())
    }
}
