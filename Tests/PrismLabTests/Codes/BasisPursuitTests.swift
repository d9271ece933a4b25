import PrismCore
import PrismTensor
import Testing

@testable import PrismLab

@Suite struct BasisPursuitTests {
    /// Both problems' constraints and equal objectives prove a solution, whatever found it.
    @Test(
        arguments: [(40, 12, 3), (40, 12, 9), (200, 50, 12), (200, 50, 30), (13, 12, 12), (1000, 100, 22)],
        [true, false])
    func provesItsSolution(size: (features: Int, hidden: Int, active: Int), signed: Bool) {
        var generator = SeededGenerator(seed: 5, stream: "test")
        let code = Code.gaussian(features: size.features, hidden: size.hidden, &generator)
        let signals = SparseSignals(20, features: size.features, active: size.active, signed: signed, &generator)
        let written = signals.written(with: code)
        for t in 0..<20 {
            let h = Array(written.row(t))
            let solution = BasisPursuit(code, signed: signed).solve(h)
            var row = DoubleMatrix(1, size.features)
            row.values = solution.z
            // Some hundred lines of double precision, with supports whose products have eigenvalues down to 10⁻³.
            #expect(zip(row.times(code.vectors).values, h).allSatisfy { abs($0 - $1) < 1e-8 })
            #expect(signed || solution.z.allSatisfy { $0 > -1e-12 })
            for i in 0..<size.features {
                let product = zip(code.vectors.row(i), solution.dual).reduce(0) { $0 + $1.0 * $1.1 }
                #expect((signed ? abs(product) : product) < 1 + 1e-8)
            }
            let length = solution.z.reduce(0) { $0 + abs($1) }
            let bound = zip(solution.dual, h).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(length - bound) < 1e-8 * max(1, length))
        }
    }
}
