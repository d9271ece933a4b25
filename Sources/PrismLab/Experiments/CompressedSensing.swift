import Foundation
import PrismAtlas
import PrismCore
import PrismDictionaries
import PrismTensor

extension Experiment {
    static let compressedSensing = Experiment(
        "compressed-sensing", title: "How wide a layer must be for k active features", topic: .codes,
        source: "Candès, Romberg and Tao 2006; Donoho 2006; Tropp 2004", expectedSeconds: 5,
        explanation: """
            k of n features are active; random directions write them into m numbers, and basis pursuit reads them. The m at \
            which half of the codes come back exactly grows like k log(n / k): n costs only its logarithm, so that a layer can \
            hold far more features than it has numbers as long as few are active. The width is found by a logistic fit over \
            seven widths of 96 codes each. Donoho and Tanner's border, drawn beside it, is that of large numbers, and two \
            active features are few. If two features' directions have an inner product of at most μ, fewer than \
            ½ (1 + 1/μ) active features, of either sign, are found always, whichever they are; a frame of 120 directions in \
            35 dimensions (μ = 1/7) shows that this is sharp.
            """
    ) { lab in
        let byFeatures = [64, 128, 256, 512, 1024].map { Width(active: 6, features: $0) }
        let byActive = [2, 4, 8, 16, 32].map { Width(active: $0, features: 256) }
        var measured: [Width: Double] = [:]
        for width in byFeatures + byActive {
            try Interrupt.check()
            measured[width] = width.atHalf(lab)
        }
        let all = (byFeatures + byActive).map { (x: $0.scale, y: measured[$0]!) }
        let slope = all.reduce(0) { $0 + $1.x * $1.y } / all.reduce(0) { $0 + $1.x * $1.x }
        let mean = all.reduce(0) { $0 + $1.y } / Double(all.count)
        let explained =
            1 - all.reduce(0) { $0 + pow($1.y - slope * $1.x, 2) } / all.reduce(0) { $0 + pow($1.y - mean, 2) }
        let deviations = (byFeatures + byActive).map { measured[$0]! / $0.theory - 1 }
        let worst = zip(byFeatures + byActive, deviations.map(abs)).map { (width: $0, deviation: $1) }
            .max { $0.deviation < $1.deviation }!
        let guaranteed = Guarantee(lab)
        func chart(_ title: String, _ x: Chart.Axis, _ widths: [Width], _ place: (Width) -> Double)
            -> ReportSection.Part
        {
            Chart.lines(
                title, x: x, y: .init("hidden at 50% recovery"),
                [
                    .init(name: "measured", points: widths.map { (place($0), measured[$0]!) }),
                    .init(name: "Donoho–Tanner", points: widths.map { (place($0), $0.theory) }, isTheory: true),
                    .init(
                        name: "\(Claim.text(slope, 3)) k log(n/k)",
                        points: widths.map { (place($0), slope * $0.scale) },
                        isTheory: true),
                ])
        }
        return Findings(
            claims: [
                Claim(
                    "the width grows in proportion to k log(n/k)", published: "m = Ω(k log(n/k))",
                    got: "m = \(Claim.text(slope, 3)) k log(n/k), R² = \(Claim.text(explained, 3))",
                    values: all.map(\.y),
                    criterion: "R² > 0.95 of one factor for all \(all.count) settings", holds: explained > 0.95),
                Claim(
                    "and lies where Donoho and Tanner's border does", closedForm: "k/m = ρ(m/n)",
                    got:
                        "off by \(Claim.text(100 * worst.deviation, 2))% with \(worst.width.active) of \(worst.width.features) active",
                    values: deviations,
                    criterion: "within 15% in every setting", holds: deviations.allSatisfy { abs($0) <= 0.15 }),
                Claim(
                    "below ½ (1 + 1/μ) = 4 active features all are found", closedForm: "100%",
                    got: "OMP \(guaranteed.pursuit) and basis pursuit \(guaranteed.basis) of \(guaranteed.trials)",
                    values: [Double(guaranteed.pursuit), Double(guaranteed.basis)],
                    criterion: "all, with 1, 2 or 3 active",
                    holds: guaranteed.pursuit == guaranteed.trials && guaranteed.basis == guaranteed.trials),
                Claim(
                    "at 4 active features two codes of equal length write the same numbers", closedForm: "difference 0",
                    got: "largest difference \(String(format: "%.0e", guaranteed.ambiguity))",
                    values: [guaranteed.ambiguity],
                    criterion: "< 10⁻¹²", holds: guaranteed.ambiguity < 1e-12),
            ],
            parts: [
                chart("Six active of ever more features", .init("features", log: true), byFeatures) {
                    Double($0.features)
                },
                chart("Ever more active of 256 features", .init("active features", log: true), byActive) {
                    Double($0.active)
                },
            ])
    }
}

/// A setting whose critical width is sought.
private struct Width: Hashable {
    let active: Int
    let features: Int

    var scale: Double { Double(active) * log(Double(features) / Double(active)) }
    /// Where the border of large n lies.
    var theory: Double { PhaseTransition.width(active: active, features: features, signed: false) }

    func atHalf(_ lab: Lab) -> Double {
        let widths = [0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3].map { max(active + 1, Int(($0 * theory).rounded())) }
        let settings = Array(Set(widths)).sorted().map {
            (x: Double($0), recovery: Recovery(features: features, hidden: $0, active: active, isSigned: false))
        }
        return Recovery.midpoint(of: settings, trials: 96, seed: lab.seed, workers: lab.workers).midpoint
    }
}

/// The coherence's guarantee, on a frame that shows it sharp.
private struct Guarantee {
    private(set) var trials = 0
    private(set) var pursuit = 0
    private(set) var basis = 0
    /// How far apart the numbers are that four features write with 1 and four others with −1.
    let ambiguity: Double

    init(_ lab: Lab) {
        let code = Code.steiner(dimension: 3)
        var generator = SeededGenerator(seed: lab.seed, stream: "guarantee")
        for active in 1...3 {
            let signals = SparseSignals(200, features: 120, active: active, signed: true, &generator)
            let written = signals.written(with: code)
            let greedy = SparseCoder.orthogonalMatchingPursuit(k: active).signals(
                of: written, code, signed: true, workers: lab.workers)
            let solver = BasisPursuit(code, signed: true)
            for t in 0..<200 {
                func isTruth(_ z: some Sequence<Double>) -> Bool {
                    // Matching pursuit reads numbers rounded to fp32.
                    zip(z, signals.z.row(t)).allSatisfy { abs($0 - $1) < 1e-5 }
                }
                trials += 1
                if isTruth(greedy.row(t)) { pursuit += 1 }
                if isTruth(solver.solve(Array(written.row(t))).z) { basis += 1 }
            }
        }
        // The eight vectors of one point are a simplex and add up to zero: four of them with 1 are the other four with −1.
        ambiguity = (0..<code.hiddenCount).reduce(0) { worst, c in
            max(worst, abs((0..<8).reduce(0) { $0 + code.vectors[$1, c] }))
        }
    }
}
