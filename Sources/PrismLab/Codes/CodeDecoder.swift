import PrismDictionaries
import PrismTensor

/// How features are read off h = Wᵀz, where z ≥ 0: in one step, as a network does, or by optimisation.
package enum CodeDecoder: String, CaseIterable, Sendable {
    /// ẑ = ReLU(a ∘ Wh + b), with each feature's a and b fitted to training codes.
    case oneLayer = "one ReLU layer"
    /// min_z ‖h − Wᵀz‖², z ≥ 0.
    case nonNegativeLeastSquares = "NNLS"
    /// Told how many features are active, as the others are not.
    case orthogonalMatchingPursuit = "OMP"
    /// min_z ½‖h − Wᵀz‖² + 0.01 Σ zᵢ, z ≥ 0.
    case fista = "FISTA"
    /// min Σ zᵢ with Wᵀz = h, z ≥ 0, which FISTA comes to as its penalty goes to zero.
    case basisPursuit = "basis pursuit"

    /// ẑ, [signals, features].
    /// - training: codes as sparse as those to be found, of which only the one layer makes use.
    package func decode(
        _ signals: SparseSignals, of code: Code, training: SparseSignals, workers: Workers
    ) -> DoubleMatrix {
        let h = signals.written(with: code)
        let coder: SparseCoder
        switch self {
        case .oneLayer:
            return OneLayerDecoder(fitting: training, of: code)(h)
        case .nonNegativeLeastSquares: coder = .nonNegativeLeastSquares
        case .orthogonalMatchingPursuit: coder = .orthogonalMatchingPursuit(k: signals.active)
        case .fista: coder = .fista(penalty: 0.01)
        case .basisPursuit:
            let pursuit = BasisPursuit(code, signed: false)
            let rows = workers.map(h.rowCount, by: 8) { _, range in
                range.flatMap { pursuit.solve(Array(h.row($0))).z }
            }
            var z = DoubleMatrix(h.rowCount, code.featureCount)
            z.values = Array(rows.joined())
            return z
        }
        return coder.signals(of: h, code, signed: false, workers: workers)
    }
}

extension SparseCoder {
    /// ẑ, [signals, features]. - h: [signals, hidden].
    func signals(of h: DoubleMatrix, _ code: Code, signed: Bool, workers: Workers) -> DoubleMatrix {
        let found = codes(of: h.tensor, for: Atoms(code.vectors.tensor, signed: signed), workers: workers)
        var z = DoubleMatrix(h.rowCount, code.featureCount)
        for t in 0..<h.rowCount { for (feature, activity) in found[t] { z[t, feature] = Double(activity) } }
        return z
    }
}

/// ẑᵢ = aᵢ max(0, wᵢ · h − θᵢ), that is ReLU(aᵢ wᵢ · h + bᵢ) with b = −aθ: of 100 thresholds the one of least squared error, each
/// with its best scale a = Σ z y / Σ y², y = max(0, wᵢ · h − θ).
struct OneLayerDecoder {
    private let code: Code
    private var scale, threshold: [Double]

    init(fitting training: SparseSignals, of code: Code) {
        self.code = code
        let reads = training.written(with: code).times(code.vectors, transposingOther: true)
        scale = [Double](repeating: 0, count: code.featureCount)
        threshold = scale
        for i in 0..<code.featureCount {
            var bestGain = 0.0
            let column = (0..<reads.rowCount).map { (read: reads[$0, i], z: training.z[$0, i]) }
            for step in 0..<100 {
                let candidate = 0.02 * Double(step) - 1
                var (product, square) = (0.0, 0.0)
                for (read, z) in column where read > candidate {
                    product += z * (read - candidate)
                    square += (read - candidate) * (read - candidate)
                }
                // The squared error is Σ z² less this.
                guard product > 0, product * product / square > bestGain else { continue }
                bestGain = product * product / square
                (scale[i], threshold[i]) = (product / square, candidate)
            }
        }
    }

    /// ẑ, [signals, features]. - h: [signals, hidden].
    func callAsFunction(_ h: DoubleMatrix) -> DoubleMatrix {
        var z = h.times(code.vectors, transposingOther: true)
        for t in 0..<z.rowCount {
            for i in 0..<z.columnCount { z[t, i] = scale[i] * max(0, z[t, i] - threshold[i]) }
        }
        return z
    }
}
