import PrismCore
import PrismDictionaries
import PrismTensor
import Testing

@Suite struct CholeskyFactorTests {
    /// G of 9 random vectors, with rows taken out at the front, the middle and the end: G x = b is solved for what stays.
    @Test func solvesWhatIsLeftOfItsMatrix() {
        var generator = SeededGenerator(seed: 1, stream: "test")
        let vectors = (0..<9).map { _ in (0..<14).map { _ in Double(generator.normal()) } }
        var factor = CholeskyFactor()
        for (i, vector) in vectors.enumerated() {
            let isTaken = factor.append(vectors[..<i].map { dot($0, vector) }, diagonal: dot(vector, vector))
            #expect(isTaken)
        }
        var left = Array(0..<9)
        for place in [0, 3, 6, 2, 4] {
            factor.remove(at: place)
            left.remove(at: place)
            let right = left.map { Double($0) - 2.5 }
            let x = factor.solve(right)
            for (i, wanted) in zip(left, right) {
                let product = zip(left, x).reduce(0) { $0 + dot(vectors[i], vectors[$1.0]) * $1.1 }
                // Double precision; the condition number is some 100.
                #expect(abs(product - wanted) < 1e-11)
            }
        }
    }

    @Test func refusesWhatIsDependent() {
        var factor = CholeskyFactor()
        // Two vectors and their sum.
        let taken = [
            factor.append([], diagonal: 2), factor.append([1], diagonal: 2), factor.append([3, 3], diagonal: 6),
        ]
        #expect(taken == [true, true, false])
        #expect(factor.solve([3, 3]).allSatisfy { abs($0 - 1) < 1e-15 })
    }
}
