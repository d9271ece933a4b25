import PrismCore
import PrismTensor

extension Transformer {
    /// The final norm's weight, [width].
    package var finalNormWeight: Tensor { weights.finalNorm.weight }

    /// What rows at a hook point add to the residual stream that the final norm reads, without the mean where it takes that
    /// away, [rows, width]; nil where they reach it only through something that is not linear.
    /// - rows: [rows, width at the hook]
    package func residualRows(of rows: Tensor, at hook: HookPoint) -> Tensor? {
        var out = rows
        switch hook {
        case .mlpIn: return nil
        case .neurons where configuration.norms != .before: return nil
        case .neurons(let layer):
            out = Tensor(rows.rowCount, configuration.width)
            backend.linear(rows, weights.blocks[layer].down.weight, into: out)
        case .finalNorm: return rows
        default: break
        }
        guard configuration.normsAreCentred else { return out }
        let centred = out.copy()
        for t in 0..<out.rowCount {
            let row = centred[t]
            let mean = (0..<out.rowWidth).reduce(0) { $0 + row[$1] } / Float(out.rowWidth)
            for c in 0..<out.rowWidth { row[c] -= mean }
        }
        return centred
    }

    /// The tokens' embeddings as the file has them, without scale and position, [vocabulary, width]. To read only.
    package var embeddingMatrix: Tensor { weights.embedding }

    /// The unembedding as a plain matrix, [vocabulary, width]: the logits of the unit vectors.
    package func unembeddingMatrix(workers: Workers) -> Tensor {
        let (width, vocabulary) = (configuration.width, configuration.vocabularySize)
        let matrix = Tensor(vocabulary, width)
        // Sixteen columns at a time, so that the transposed copy stays small.
        workers.forEachRange(width, by: 16) { _, columns in
            let (units, out) = (Tensor(columns.count, width), Tensor(columns.count, vocabulary))
            for (i, column) in columns.enumerated() { units[i][column] = 1 }
            backend.linear(units, weights.unembedding.weight, into: out)
            for token in 0..<vocabulary {
                for (i, column) in columns.enumerated() { matrix[token][column] = out[i][token] }
            }
        }
        return matrix
    }
}
