import Foundation
import PrismAtlas
import PrismCore

extension Experiment {
    static let welch = Experiment(
        "welch", title: "How incoherent a code can be", topic: .codes,
        source: "Welch 1974; Fickus, Mixon and Tremain 2012",
        expectedSeconds: 5,
        explanation: """
            Two features interfere by the inner product of their directions. However n directions are chosen in m dimensions, \
            two of them have an inner product of at least √((n − m) / (m (n − 1))), Welch's bound. Equiangular tight frames \
            reach it and exist for few sizes (in 7 dimensions for 8, 14 and 28 directions, the most that can be equiangular); \
            descent on the largest inner products finds them where it can, and comes close elsewhere. Random directions stay \
            far above the bound in the worst pair, though not in the mean square.
            """
    ) { lab in
        var (claims, parts): ([Claim], [ReportSection.Part]) = ([], [])
        let bound = Code.welchBound(features: 400, hidden: 30)
        claims.append(
            Claim(
                "Welch's bound of 400 features in 30 dimensions", published: "0.1758",
                closedForm: "√((n − m) / (m (n − 1)))", spread: [bound], digits: 4, criterion: "0.1758 to four digits"
            ) { abs($0 - 0.1758) < 5e-5 })

        let frames = [(8, 7), (14, 7), (28, 7), (54, 27), (62, 31), (36, 35), (120, 35), (496, 155)].map { n, m in
            let code = Code.equiangular(features: n, hidden: m)!
            return (features: n, hidden: m, coherence: code.coherence, bound: Code.welchBound(features: n, hidden: m))
        }
        let excess = frames.map { abs($0.coherence - $0.bound) }.max()!
        claims.append(
            Claim(
                "equiangular tight frames reach the bound", closedForm: "μ = bound",
                got: "largest difference \(String(format: "%.0e", excess))", values: frames.map(\.coherence),
                criterion: "difference < 10⁻¹² for each of \(frames.count) frames", holds: excess < 1e-12))

        for (hidden, counts) in [
            (7, [8, 10, 12, 14, 18, 22, 28, 36, 48, 64]), (30, [31, 36, 45, 60, 90, 150, 250, 400]),
        ] {
            try Interrupt.check()
            let sizes = Sweep(hidden: hidden, counts: counts, lab)
            parts.append(sizes.chart(frames.filter { $0.hidden == hidden }.map { (Double($0.features), $0.coherence) }))
            let least = sizes.rows.map { min($0.gaussian, $0.optimised) - $0.bound }.min()!
            claims.append(
                Claim(
                    "no code of \(hidden) dimensions beats the bound", closedForm: "μ ≥ bound",
                    got: "least μ − bound \(String(format: "%.0e", least))", values: sizes.rows.map(\.optimised),
                    criterion: "μ − bound > −10⁻¹²", holds: least > -1e-12))
            if hidden == 7 {
                let found = sizes.rows.first { $0.features == 28 }!.optimised
                claims.append(
                    Claim(
                        "descent finds 28 equiangular lines in 7 dimensions", closedForm: "μ = 1/3", spread: [found],
                        digits: 4, criterion: "|μ − 1/3| < 0.001"
                    ) { abs($0 - 1.0 / 3) < 1e-3 })
            } else {
                let last = sizes.rows.last!
                claims.append(
                    Claim(
                        "random directions interfere by 1/m in the mean square", closedForm: "1/30 = 0.0333",
                        spread: [last.gaussianMeanSquare], criterion: "within 3%"
                    ) { abs($0 * 30 - 1) < 0.03 })
            }
        }
        parts.append(
            .table(
                columns: ["equiangular tight frame", "dimensions", "features", "coherence", "Welch's bound"],
                rows: frames.map { frame in
                    [
                        frame.features == frame.hidden + 1
                            ? "simplex" : frame.features == 2 * frame.hidden ? "Paley" : "Steiner",
                        "\(frame.hidden)", "\(frame.features)", Claim.text(frame.coherence, 6),
                        Claim.text(frame.bound, 6),
                    ]
                }))
        return Findings(claims: claims, parts: parts)
    }
}

/// Coherences in one dimension over the number of features.
private struct Sweep {
    let hidden: Int
    let rows: [(features: Int, bound: Double, gaussian: Double, gaussianMeanSquare: Double, optimised: Double)]

    /// The best of three descents, or one of the large ones.
    init(hidden: Int, counts: [Int], _ lab: Lab) {
        self.hidden = hidden
        rows = lab.workers.map(counts.count, by: 1) { _, range in
            let n = counts[range.lowerBound]
            var generator = SeededGenerator(seed: lab.seed, stream: "welch/\(hidden)/\(n)")
            let gaussian = Code.gaussian(features: n, hidden: hidden, &generator)
            let descents = (0..<(n <= 100 ? 3 : 1)).map { _ in
                Code.optimised(features: n, hidden: hidden, &generator).coherence
            }
            return (
                n, Code.welchBound(features: n, hidden: hidden), gaussian.coherence, gaussian.meanSquareProduct,
                descents.min()!
            )
        }
    }

    func chart(_ frames: [(x: Double, y: Double)]) -> ReportSection.Part {
        func line(_ name: String, isTheory: Bool = false, _ value: (Int) -> Double) -> Chart.Series {
            .init(name: name, points: rows.indices.map { (Double(rows[$0].features), value($0)) }, isTheory: isTheory)
        }
        var series = [
            line("Welch's bound", isTheory: true) { rows[$0].bound }, line("random") { rows[$0].gaussian },
            line("optimised") { rows[$0].optimised },
        ]
        series += frames.map { .init(name: "equiangular, \(Int($0.x)) features", points: [$0]) }
        return Chart.lines(
            "Coherence in \(hidden) dimensions", x: .init("features", log: true),
            y: .init("coherence μ", domain: 0...1),
            series)
    }
}
