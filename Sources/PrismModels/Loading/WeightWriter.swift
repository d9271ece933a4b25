import PrismTensor

extension ModelFamily.Layout {
    /// Weights, or gradients by them, as tensors under the family's names and in its shapes: the inverse of what
    /// `WeightLoader` does, but for the norms' offset, which gradients know nothing of.
    func fileTensors(
        _ weights: [WeightName: Tensor], _ configuration: TransformerConfiguration
    ) -> [(name: String, tensor: Tensor)] {
        var found: [String: (tensor: Tensor, isTransposed: Bool)] = [:]
        for name in configuration.weightNames {
            guard let weight = weights[name] else { continue }
            let place = places[name.part]!
            let key = place.key(name)
            let part = place.part?(configuration)
            let whole = found[key]?.tensor ?? Tensor(shape: [part?.total ?? weight.rowCount] + weight.shape.dropFirst())
            found[key] = (whole, place.isTransposed && !name.isBias)
            var row = 0
            for rows in part?.rows ?? [0..<weight.rowCount] {
                whole.rows(rows).update(from: weight.rows(row..<row + rows.count))
                row += rows.count
            }
            if interleavedRotary, [.query, .key].contains(name.part) {
                whole.update(from: whole.interleaved(configuration, undoing: false))
            }
        }
        return found.sorted { $0.key < $1.key }.map {
            ($0.key, $0.value.isTransposed ? $0.value.tensor.transposed : $0.value.tensor)
        }
    }
}

extension ModelFamily.Place {
    /// The tensor of a weight in a whole model's file.
    func key(_ name: WeightName) -> String {
        self.name.replacing("#", with: "\(name.layer ?? 0)") + (name.isBias ? ".bias" : ".weight")
    }
}

extension Tensor {
    /// Rows of each head between RoPE's neighbouring pairs and half-split pairs: of those that rotate, row 2i + j there is
    /// row j · rotaryWidth / 2 + i here. For Llama's GGUF files llama.cpp's converter does so to queries and keys.
    /// - undoing: from neighbours to halves; else from halves to neighbours.
    func interleaved(_ configuration: TransformerConfiguration, undoing: Bool) -> Tensor {
        let result = copy()
        let (headWidth, rotary) = (configuration.headWidth, configuration.rotaryWidth)
        for row in 0..<rowCount where row % headWidth < rotary {
            let (head, place) = (row / headWidth * headWidth, row % headWidth)
            let half = head + place % 2 * (rotary / 2) + place / 2
            result[undoing ? half : row].update(from: self[undoing ? row : half], count: rowWidth)
        }
        return result
    }

    /// Columns become rows.
    var transposed: Tensor {
        let (rows, columns) = (rowCount, rowWidth)
        let result = Tensor(columns, rows)
        // Sixteen columns at a time, so that each cache line that is touched is filled.
        for first in stride(from: 0, to: columns, by: 16) {
            for row in 0..<rows {
                let from = data + row * columns
                for column in first..<min(first + 16, columns) { result.data[column * rows + row] = from[column] }
            }
        }
        return result
    }
}

extension TransformerConfiguration {
    /// Weights, or gradients by them, under the names and in the shapes of the family's Hugging Face folders.
    package func fileTensors(_ weights: [WeightName: Tensor]) -> [(name: String, tensor: Tensor)] {
        ModelFamily.all.first { $0.name == family }!.huggingFace!.fileTensors(weights, self)
    }
}
