import Testing

@testable import PrismLab

@Suite struct PhaseTransitionTests {
    /// Donoho and Tanner's values, to three digits.
    @Test(arguments: [
        (0.1, false, 0.241), (0.25, false, 0.365), (0.5, false, 0.558), (0.1, true, 0.189), (0.25, true, 0.267),
        (0.5, true, 0.386),
    ])
    func publishedValues(delta: Double, signed: Bool, rho: Double) {
        #expect(abs(PhaseTransition.sparsity(atUndersampling: delta, signed: signed) - rho) < 5e-4)
    }

    @Test func widthIsTheInverse() {
        let m = PhaseTransition.width(active: 20, features: 400, signed: true)
        #expect(abs(PhaseTransition.sparsity(atUndersampling: m / 400, signed: true) - 20 / m) < 1e-3)
    }
}
