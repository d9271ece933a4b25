import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor

/// An affine map for each layer that makes of its residual stream what the last block would leave (Belrose et al. 2023):
///
///     h ↦ h + A h + b
///
/// Trained to minimise KL(model ‖ lens). What leaves the last block is not translated.
package struct TunedLens: Sendable {
    /// A, [width, width], and b, [width], for the residual stream entering each block.
    let translators: [(weight: Tensor, bias: Tensor)]

    /// The identity, which is the logit lens.
    init(_ model: TransformerConfiguration) {
        translators = (0..<model.layerCount).map { _ in (Tensor(model.width, model.width), Tensor(model.width)) }
    }

    /// h + A h + b, [rows, width].
    /// - place: the number among `Lens.hooks`.
    func translated(_ h: Tensor, at place: Int, _ backend: any Backend) -> Tensor {
        guard place < translators.count else { return h }
        let (weight, bias) = translators[place]
        let out = Tensor(shape: h.shape)
        backend.multiply(h, by: weight, transposed: true, into: out)
        backend.add(row: bias, toEachOf: out)
        backend.add(h, to: out)
        return out
    }

    // MARK: File

    /// Reads a safetensors file with `n.weight` and `n.bias` for each layer n, the names that the tuned-lens library has.
    /// - Throws: `PrismError.badData` if it is of another model.
    package init(loading url: URL, for model: Transformer) throws {
        let file = try SafetensorsFile(url)
        let (width, layers) = (model.configuration.width, model.configuration.layerCount)
        guard try file.metadata["model"] == model.digest(), file.names.count == 2 * layers else {
            throw PrismError.badData(
                "\(url.path) is not a tuned lens of this model; make one with prism lens train")
        }
        translators = try (0..<layers).map {
            (try file.tensor("\($0).weight", shape: [width, width]), try file.tensor("\($0).bias", shape: [width]))
        }
    }

    package func save(to url: URL, for model: Transformer) throws {
        var writer = SafetensorsWriter(metadata: ["format": "pt", "model": try model.digest()])
        for (layer, (weight, bias)) in translators.enumerated() {
            writer.add("\(layer).weight", weight)
            writer.add("\(layer).bias", bias)
        }
        try writer.write(to: url)
    }
}
