import PrismDictionaries
import PrismTensor
import Testing

@Suite struct ProximalGradientTests {
    /// The problem on which gradient methods are slowest (Nesterov 2004, section 2.1.2): G = tridiagonal (−1, 2, −1), q = e₁.
    static func worstCase(_ n: Int, penalty: Double, momentum: Bool) -> ProximalGradient {
        var (gram, q) = (DoubleMatrix(n, n), [Double](repeating: 0, count: n))
        for i in 0..<n {
            gram[i, i] = 2
            if i > 0 { (gram[i, i - 1], gram[i - 1, i]) = (-1, -1) }
        }
        q[0] = 1
        return ProximalGradient(gram: gram, correlations: q, penalty: penalty, momentum: momentum)
    }

    /// Beck and Teboulle 2009, theorems 3.1 and 4.4: F(cₙ) − F* ≤ L‖c*‖²/2n and ≤ 2L‖c*‖²/(n + 1)² from c₀ = 0. That the
    /// second is no empty promise shows in ISTA breaking it.
    @Test func convergesAtThePromisedRates() {
        let lipschitz = 4.0  // an upper bound of this matrix's eigenvalues; the largest is 2 + 2 cos(π/101)
        let (ista, fista) = (
            Self.worstCase(100, penalty: 1e-4, momentum: false), Self.worstCase(100, penalty: 1e-4, momentum: true)
        )
        var solution = [Double](repeating: 0, count: 100)
        #expect(fista.solve(&solution, tolerance: 1e-12, limit: 100_000) < 100_000)
        let (least, distance) = (fista.objective(solution), solution.reduce(0) { $0 + $1 * $1 })
        func gap(_ problem: ProximalGradient, steps: Int) -> Double {
            var c = [Double](repeating: 0, count: 100)
            problem.solve(&c, tolerance: 0, limit: steps)
            return problem.objective(c) - least
        }
        var istaBreaksTheFasterRate = false
        for n in [1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000] {
            let (slow, fast) = (
                lipschitz * distance / Double(2 * n), 2 * lipschitz * distance / Double((n + 1) * (n + 1))
            )
            #expect(gap(ista, steps: n) <= slow && gap(fista, steps: n) <= fast, "after \(n) steps")
            istaBreaksTheFasterRate = istaBreaksTheFasterRate || gap(ista, steps: n) > fast
        }
        #expect(istaBreaksTheFasterRate)
    }

    @Test(arguments: [false, true], [false, true]) func meetsTheOptimumsConditions(momentum: Bool, signed: Bool) {
        let x = DoubleMatrix(correlated(40, 23, mean: 0)).unitRows
        let q = (0..<40).map { x[$0, 0] - 0.5 * x[$0, 1] }
        let problem = ProximalGradient(
            gram: x.times(x, transposingOther: true), correlations: q, penalty: 0.05, signed: signed,
            momentum: momentum)
        var c = [Double](repeating: 0, count: 40)
        let steps = problem.solve(&c, tolerance: 1e-6, limit: 100_000)
        #expect(steps < 100_000 && problem.kktResidual(c) < 1e-6)
        // The residual by its definition.
        for i in 0..<40 {
            let slope = (0..<40).reduce(-q[i]) { sum, j in
                sum + (0..<23).reduce(0.0) { $0 + x[i, $1] * x[j, $1] } * c[j]
            }
            if c[i] > 0 { #expect(abs(slope + 0.05) < 2e-6) }
            if c[i] < 0 { #expect(signed && abs(slope - 0.05) < 2e-6) }
            if c[i] == 0 { #expect((signed ? abs(slope) : -slope) < 0.05 + 2e-6) }
        }
        // L1 leaves exact zeros; L2 at the same weight, (G + λ)⁻¹ q, none.
        #expect(c.count { $0 == 0 } > 10)
        let (values, vectors) = problem.gram.symmetricEigen()
        var right = DoubleMatrix(40, 1)
        right.values = q
        let ridge = vectors.times(
            vectors.times(right).scalingRows(by: values.map { 1 / ($0 + 0.05) }), transposingSelf: true)
        #expect(!ridge.values.contains(0))
        #expect(problem.kktResidual(ridge.values) > 1e-3)
    }
}
