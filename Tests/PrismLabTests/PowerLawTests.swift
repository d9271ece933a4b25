import Testing

@testable import PrismLab

struct PowerLawTests {
    @Test func findsTheLawThatMadeThePoints() {
        let law = PowerLaw([1.0, 2, 5, 10].map { (x: $0, y: 3 / ($0 * $0)) })
        #expect(abs(law.exponent + 2) < 1e-12 && abs(law.factor - 3) < 1e-12 && abs(law.fit - 1) < 1e-12)
    }

    @Test func fitFallsWherePointsLieBesideIt() {
        #expect(PowerLaw([(1, 1), (2, 4), (4, 1)]).fit < 0.01)
    }
}
