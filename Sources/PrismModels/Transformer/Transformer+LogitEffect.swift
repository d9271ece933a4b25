import PrismCore
import PrismTensor

extension Transformer {
    /// The final norm's weight, [width].
    package var finalNormWeight: Tensor { weights.finalNorm }

    /// What rows at a hook point add to the residual stream, [rows, width]; nil where they reach it only through
    /// something that is not linear.
    /// - rows: [rows, width at the hook]
    package func residualRows(of rows: Tensor, at hook: HookPoint) -> Tensor? {
        switch hook {
        case .mlpIn: return nil
        case .neurons(let layer):
            let out = Tensor(rows.rowCount, configuration.width)
            backend.linear(rows, weights.blocks[layer].down, into: out)
            return out
        default: return rows
        }
    }

    /// The unembedding as a plain matrix, [vocabulary, width]: the logits of the unit vectors.
    package func unembeddingMatrix(workers: Workers) -> Tensor {
        let (width, vocabulary) = (configuration.width, configuration.vocabularySize)
        let matrix = Tensor(vocabulary, width)
        // Sixteen columns at a time, so that the transposed copy stays small.
        workers.forEachRange(width, by: 16) { _, columns in
            let (units, out) = (Tensor(columns.count, width), Tensor(columns.count, vocabulary))
            for (i, column) in columns.enumerated() { units[i][column] = 1 }
            logits(units, into: out)
            for token in 0..<vocabulary {
                for (i, column) in columns.enumerated() { matrix[token][column] = out[i][token] }
            }
        }
        return matrix
    }
}
