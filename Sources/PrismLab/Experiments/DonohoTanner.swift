import PrismAtlas
import PrismCore
import PrismTensor

extension Experiment {
    static let donohoTanner = Experiment(
        "donoho-tanner", title: "Where sparse codes stop to be recoverable", topic: .codes,
        source: "Donoho and Tanner 2005, 2009", expectedSeconds: 25,
        explanation: """
            n features are written into m = 100 numbers with random directions, k of them active. The shortest code that gives \
            these numbers (basis pursuit, solved exactly by homotopy) is the one that was written, nearly always if k is below \
            a sharp border and nearly never above it. The border ρ = k / m depends on δ = m / n alone as n grows, and lies \
            higher if activities are known to be non-negative, as those of features are. Half of the codes recovered, by a \
            logistic fit over ten sparsities of 96 codes each, is held against the theory's curve.
            """
    ) { lab in
        let published = [
            false: [(delta: 0.1, rho: 0.241), (0.25, 0.365), (0.5, 0.558)],
            true: [(0.1, 0.189), (0.25, 0.267), (0.5, 0.386)],
        ]
        var (claims, series): ([Claim], [Chart.Series]) = ([], [])
        var shares: [Chart.Series] = []
        for isSigned in [false, true] {
            let name = isSigned ? "either sign" : "non-negative"
            let curve = stride(from: 0.02, through: 0.98, by: 0.02).map {
                (x: $0, y: PhaseTransition.sparsity(atUndersampling: $0, signed: isSigned))
            }
            series.append(.init(name: "\(name), theory", points: curve, isTheory: true))
            var measured: [(x: Double, y: Double)] = []
            for (delta, rho) in published[isSigned]! {
                let theory = PhaseTransition.sparsity(atUndersampling: delta, signed: isSigned)
                let border = try border(delta: delta, signed: isSigned, near: theory, lab)
                measured.append((delta, border.midpoint))
                shares.append(.init(name: "\(name), δ = \(delta)", points: border.shares))
                claims.append(
                    Claim(
                        "half of the codes are recovered at ρ(\(delta)), \(name)", published: "\(rho)",
                        closedForm: Claim.text(theory, 3), spread: [border.midpoint], criterion: "|ρ − theory| ≤ 0.03"
                    ) { abs($0 - theory) <= 0.03 })
            }
            series.append(.init(name: "\(name), measured", points: measured))
        }
        return Findings(
            claims: claims,
            parts: [
                Chart.lines(
                    "The phase transition", caption: "Below its line basis pursuit recovers, above it does not.",
                    x: .init("δ = hidden / features", domain: 0...1),
                    y: .init("ρ = active / hidden at 50% recovery", domain: 0...1), series),
                Chart.lines(
                    "How sharp it is at m = 100", caption: "Share of codes recovered exactly.",
                    x: .init("ρ = active / hidden"), y: .init("recovered", domain: 0...1), shares),
            ])
    }

    private static func border(
        delta: Double, signed: Bool, near theory: Double, _ lab: Lab
    ) throws -> (midpoint: Double, shares: [(x: Double, y: Double)]) {
        let hidden = 100
        let centre = Int((theory * Double(hidden)).rounded())
        try Interrupt.check()
        let settings = stride(from: max(1, centre - 9), through: centre + 9, by: 2).map { active in
            (
                x: Double(active) / Double(hidden),
                recovery: Recovery(
                    features: Int((Double(hidden) / delta).rounded()), hidden: hidden, active: active, isSigned: signed)
            )
        }
        return Recovery.midpoint(of: settings, trials: 96, seed: lab.seed, workers: lab.workers)
    }
}
