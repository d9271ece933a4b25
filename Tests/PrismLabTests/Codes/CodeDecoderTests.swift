import PrismCore
import PrismTensor
import Testing

@testable import PrismLab

@Suite struct CodeDecoderTests {
    let code = Code.steiner(dimension: 3)

    func signals(_ count: Int, active: Int, seed: UInt64 = 3) -> SparseSignals {
        var generator = SeededGenerator(seed: seed, stream: "test")
        return SparseSignals(count, features: 120, active: active, signed: false, &generator)
    }

    /// Below the coherence's bound every iterative decoder finds every support.
    @Test(arguments: [CodeDecoder.nonNegativeLeastSquares, .orthogonalMatchingPursuit, .fista, .basisPursuit])
    func findsSparseCodes(decoder: CodeDecoder) {
        let planted = signals(100, active: 3)
        let found = decoder.decode(planted, of: code, training: planted, workers: Workers(count: 2))
        // The penalty of .01 takes up to some .01 of each of three activities; the others are exact to fp32.
        #expect(planted.error(of: found) < (decoder == .fista ? 2e-3 : 1e-8))
        #expect(planted.supportsFound(in: found) >= (decoder == .fista ? 0.9 : 1))
    }

    /// No threshold and scale of a fine grid has less squared error for a feature than the fitted ones.
    @Test func oneLayerIsTheBestOfItsKind() {
        let training = signals(400, active: 4)
        let found = CodeDecoder.oneLayer.decode(training, of: code, training: training, workers: Workers(count: 1))
        let reads = training.written(with: code).times(code.vectors, transposingOther: true)
        for i in [0, 57, 119] {
            func error(_ answer: (Int) -> Double) -> Double {
                (0..<400).reduce(0) { $0 + (training.z[$1, i] - answer($1)) * (training.z[$1, i] - answer($1)) }
            }
            let ours = error { found[$0, i] }
            for threshold in stride(from: -0.5, through: 0.9, by: 0.05) {
                for scale in stride(from: 0.1, through: 3, by: 0.1) {
                    // The thresholds tried lie .02 apart.
                    #expect(ours <= error { scale * max(0, reads[$0, i] - threshold) } + 1e-9)
                }
            }
        }
    }

    @Test func errorAndSupportOfKnownAnswers() {
        let planted = signals(10, active: 5)
        #expect(planted.error(of: planted.z) == 0 && planted.supportsFound(in: planted.z) == 1)
        let nothing = DoubleMatrix(10, 120)
        #expect(planted.error(of: nothing) == 1 && planted.supportsFound(in: nothing) == 0)
        for t in 0..<10 { #expect(planted.z.row(t).count { $0 != 0 } == 5) }
    }
}
